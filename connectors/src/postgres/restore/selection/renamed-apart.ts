import { type RelationName, shown, sqlOf } from '#postgres/restore/selection/dump-names.ts'
import { doing } from '#postgres/restore/selection/own-block.ts'
import { quoteText } from '#postgres/sql-text.ts'

/**
 * SQL that fails when something of the tables with new names depends on a table with one of the old names: a
 * default that counts on with its sequence, a rule that writes into it. It also fails for an heir of another
 * table, which would show each row twice.
 * @param renamed the old names, as keys, and the new ones
 */
export function pointsNotBack(renamed: ReadonlyArray<readonly [oldKey: string, now: RelationName]>): string {
  const rows = renamed.map(([key, now]) => {
    const [schema = '', name = ''] = key.split('\0')
    return `(${quoteText(sqlOf({ schema, name }))}, ${quoteText(sqlOf(now))}, ${quoteText(shown({ schema, name }))})`
  })
  return doing(`DECLARE one pg_catalog.record;
BEGIN
  FOR one IN
    WITH names (was, now, shown) AS (VALUES ${rows.join(', ')}),
    fresh AS (SELECT pg_catalog.to_regclass(now)::pg_catalog.oid AS oid FROM names),
    parts (class, oid) AS (
      SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, oid FROM fresh
      UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, a.oid FROM pg_catalog.pg_attrdef a WHERE adrelid IN (SELECT oid FROM fresh)
      UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, c.oid FROM pg_catalog.pg_constraint c WHERE conrelid IN (SELECT oid FROM fresh)
      UNION ALL SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_trigger t WHERE tgrelid IN (SELECT oid FROM fresh)
      UNION ALL SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, r.oid FROM pg_catalog.pg_rewrite r WHERE ev_class IN (SELECT oid FROM fresh)
      UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid FROM pg_catalog.pg_policy p WHERE polrelid IN (SELECT oid FROM fresh)
    )
    SELECT now, shown FROM names, parts, pg_catalog.pg_depend d
    WHERE d.classid = parts.class AND d.objid = parts.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = pg_catalog.to_regclass(was)
    UNION ALL
    SELECT now, i.inhparent::pg_catalog.regclass::pg_catalog.text FROM names, pg_catalog.pg_inherits i
    WHERE i.inhrelid = pg_catalog.to_regclass(now) AND i.inhparent NOT IN (SELECT oid FROM fresh WHERE oid IS NOT NULL)
    LIMIT 1
  LOOP
    RAISE EXCEPTION 'a part of the table with a new name still refers to %', one.shown;
  END LOOP;
END`)
}
