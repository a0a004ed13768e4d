/**
 * For every program that is started here: nothing of the user's own settings, such as `PG*` or LD_PRELOAD, nor of a PATH that may
 * lead into the working folder.
 */
export const CLEAN_ENVIRONMENT: NodeJS.ProcessEnv = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
