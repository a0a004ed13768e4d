import { type RelationName, sqlOf } from '#postgres/restore/selection/dump-names.ts'
import { doing } from '#postgres/restore/selection/own-block.ts'
import { quoteText } from '#postgres/sql-text.ts'

/** The COPY of a table, with its line end; `columns` as in the dump. */
export function copyInto(table: RelationName, columns: string | undefined): string {
  return `COPY ${sqlOf(table)} ${columns === undefined ? '' : `(${columns}) `}FROM stdin;\n`
}

/** Holds the statements that undo what {@link beforeRows} did; it ends with the transaction. */
const UNDO = 'telegram_backup.after_rows'

/**
 * Before rows go into a table that exists: it must be empty; its foreign keys are checked only at the end,
 * since a dump is in no order of theirs; and its triggers do not fire, which would change the rows.
 */
export function beforeRows(table: RelationName): string {
  const name = sqlOf(table)
  return doing(`DECLARE
  this pg_catalog.oid := ${quoteText(name)}::pg_catalog.regclass;
  filled pg_catalog.bool;
  one pg_catalog.record;
BEGIN
  LOCK TABLE ONLY ${name} IN SHARE ROW EXCLUSIVE MODE;
  EXECUTE 'SELECT EXISTS (SELECT FROM ONLY ' || ${quoteText(name)} || ')' INTO filled;
  IF filled THEN
    RAISE EXCEPTION 'the table % is not empty', ${quoteText(`${table.schema}.${table.name}`)};
  END IF;
  FOR one IN
    WITH RECURSIVE key AS (
      SELECT c.oid, c.conparentid FROM pg_catalog.pg_constraint c WHERE c.conrelid = this AND c.contype = 'f'
      UNION ALL
      SELECT c.oid, c.conparentid FROM pg_catalog.pg_constraint c, key WHERE c.oid = key.conparentid
    )
    SELECT DISTINCT c.conname, c.conrelid::pg_catalog.regclass AS relation FROM pg_catalog.pg_constraint c, key
    WHERE c.oid = key.oid AND c.conparentid = 0 AND NOT c.condeferrable
  LOOP
    EXECUTE pg_catalog.format('ALTER TABLE %s ALTER CONSTRAINT %I DEFERRABLE INITIALLY DEFERRED', one.relation, one.conname);
    PERFORM pg_catalog.set_config('${UNDO}', pg_catalog.format(
      'ALTER TABLE %s ALTER CONSTRAINT %I NOT DEFERRABLE;', one.relation, one.conname)
      || coalesce(pg_catalog.current_setting('${UNDO}', true), ''), false);
  END LOOP;
  FOR one IN
    SELECT tgname, tgenabled, tgrelid::pg_catalog.regclass AS relation FROM pg_catalog.pg_trigger
    WHERE tgrelid = this AND NOT tgisinternal AND tgenabled <> 'D'
  LOOP
    EXECUTE pg_catalog.format('ALTER TABLE ONLY %s DISABLE TRIGGER %I', one.relation, one.tgname);
    PERFORM pg_catalog.set_config('${UNDO}', pg_catalog.format('ALTER TABLE ONLY %s ENABLE %s TRIGGER %I;', one.relation,
      CASE one.tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, one.tgname)
      || coalesce(pg_catalog.current_setting('${UNDO}', true), ''), false);
  END LOOP;
END`)
}

/** After the last row: what waited is checked, and the tables are as they were. */
export function afterRows(): string {
  return `SET CONSTRAINTS ALL DEFERRED;\nSET CONSTRAINTS ALL IMMEDIATE;\n${doing(`BEGIN
  IF coalesce(pg_catalog.current_setting('${UNDO}', true), '') <> '' THEN
    EXECUTE pg_catalog.current_setting('${UNDO}', true);
  END IF;
END`)}`
}
