import { problemTypes, type FieldProblem, type Problem } from '../purchases/problem.ts';
import { reached } from './access.ts';
import { builder } from './builder.ts';
import { values } from './enums.ts';

const ProblemTypeEnum = builder.enumType('ProblemType', {
  description: 'What kind of refusal a Problem is. Branch on this first, then on its code.',
  values: values(problemTypes, {
    INVALID_INPUT: 'A field of the input is wrong; see `fields`.',
    AUTHENTICATION: 'Someone’s credentials are not accepted.',
    PERMISSION: 'That is not allowed.',
    NOT_FOUND: 'There is no such thing.',
    CONFLICT: 'It contradicts what is recorded, such as a used idempotency key.',
    PROVIDER: 'The utility or the network refused, such as a blocked meter.',
    RATE_LIMITED: 'Too much at once; try again a little later.',
    UNAVAILABLE: 'Something on the way does not answer; try again later.',
    INTERNAL: 'A fault on our side.',
  }),
});

const FieldProblemRef = builder.objectRef<FieldProblem>('FieldProblem').implement({
  extensions: reached,
  description: 'What is wrong with one field of the input.',
  fields: (t) => ({
    field: t.exposeString('field', {
      description: 'Dotted path of the input field, such as `amount.amount`.',
    }),
    message: t.exposeString('message', {
      description: 'What is wrong and how to mend it. Safe to show to a customer.',
    }),
  }),
});

export const ProblemRef = builder.objectRef<Problem>('Problem').implement({
  extensions: reached,
  description:
    'Why something was refused. As a mutation’s result it means: nothing was recorded and nothing was charged.',
  fields: (t) => ({
    type: t.expose('type', { type: ProblemTypeEnum, description: 'What kind of refusal it is.' }),
    code: t.exposeString('code', {
      description:
        'Stable. The upstream’s own code where it gave one: `meter_blocked` on V1, `810` on CURRENT.',
    }),
    message: t.exposeString('message', { description: 'A sentence that is safe to show to a customer.' }),
    retryable: t.exposeBoolean('retryable', {
      description: 'Whether the same request may be sent again as it is.',
    }),
    retryAfter: t.exposeInt('retryAfter', {
      nullable: true,
      description:
        'In how many seconds to try again, where that is known. A purchase’s own: from its `updatedAt`.',
    }),
    docUrl: t.exposeString('docUrl', {
      nullable: true,
      description: 'A page on this error, where there is one.',
    }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description: 'Quote this to ScratchPower’s support. Null when nothing was sent to it.',
    }),
    fields: t.field({
      type: [FieldProblemRef],
      description: 'Every wrong field of the input. Empty when it is not the input’s fault.',
      resolve: ({ fields }) => fields,
    }),
  }),
});
