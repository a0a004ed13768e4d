export const states = {
  loading: 'Loading…',
  failed: 'This could not be loaded',
  unreachable: 'The server does not answer. The page tries again by itself.',
  fault: 'The page itself has a fault here. Load it again; if that does not help, report these words:',
  /** Of an act, which is not tried again by itself. */
  noAnswer: 'The server did not answer. Look whether this was done before you try again.',
  partAway:
    'The server did not give this part of the page: it is away, or was upgraded. Load the page again.',
  reload: 'Load again',
  retry: 'Try again',
  forbidden: 'Your role does not allow this',
  forbiddenHint: 'An administrator can change your role on the screen People.',
  notFound: 'There is nothing here',
  notFoundHint: 'It may have been removed, or it belongs to a project that you do not see.',
  toOverview: 'To the overview',
  closeNotice: 'Close this notice',
  more: 'Show more',
  close: 'Close',
  pages: { label: 'Pages', newest: 'Newest', newer: 'Newer', older: 'Older' },
}
