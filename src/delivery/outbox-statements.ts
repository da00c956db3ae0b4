import type { Statement } from '../database/database.js';

/** Ids that this worker has claimed and not begun. */
export const releaseEntries: Statement = {
  name: 'release_outbox',
  text: 'update outbox set leased_until = null where id = any ($1)',
};

/** Ids of what has left. */
export const removeEntries: Statement = {
  name: 'remove_outbox',
  text: 'delete from outbox where id = any ($1)',
};
