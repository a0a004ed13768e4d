import { type RawBuilder, sql } from 'kysely'

/**
 * Project, type and source of a backup in one value: joined on three columns, thousands of sources are
 * compared with all others of their project. In bytes, which sort faster than words of a language. Neither a
 * project nor a type contains a blank.
 */
export const SOURCE_KEY: RawBuilder<string> = sql`(project_id || ' ' || type || ' ' || coalesce(source_name, '')) collate "C"`
