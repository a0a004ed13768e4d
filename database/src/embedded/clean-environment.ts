/**
 * For every program started here: without the user's settings, such as `PG*` or LD_PRELOAD, and without a
 * PATH that may lead into the working folder.
 */
export const CLEAN_ENVIRONMENT: NodeJS.ProcessEnv = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
