// A plugin of Stryker's: what is told to the log is no behaviour, so the arguments of its calls are not changed.
// https://stryker-mutator.io/docs/stryker-js/disable-mutants/#using-an-ignore-plugin
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

const methods = new Set(['info', 'warn', 'error']);

/** `log`, `#log` and `.log`, whatever they are of. */
function isLog(node) {
  const named = node.type === 'MemberExpression' ? node.property : node;
  return named.name === 'log' || named.id?.name === 'log';
}

const ignorer = {
  shouldIgnore({ listKey, parent }) {
    if (listKey !== 'arguments' || parent.type !== 'CallExpression') return undefined;
    const { callee } = parent;
    if (callee.type !== 'MemberExpression' || !methods.has(callee.property.name)) return undefined;
    return isLog(callee.object) ? 'what is told to the log is no behaviour' : undefined;
  },
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'log-calls', ignorer)];
