const UNRELEASED = '## [Unreleased]\n';

/** What is unreleased becomes the version's; throws an Error when there is nothing. */
export function datedChangelog(changelog: string, version: string, date: string): string {
  const [before, after] = changelog.split(UNRELEASED);
  if (before === undefined || after === undefined) throw new Error('CHANGELOG.md has no part "[Unreleased]"');
  const [news = ''] = after.split(/^## /m);
  if (news.trim() === '') throw new Error('CHANGELOG.md tells nothing of what is new');
  return `${before}${UNRELEASED}\n## [${version}] - ${date}\n${after}`;
}
