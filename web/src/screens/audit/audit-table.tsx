import { Code, Text } from '@mantine/core'
import type { AuditEntry } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import styles from '#screens/audit/audit-table.module.css'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function AuditTable({ items }: { items: readonly AuditEntry[] }) {
  const { audit } = useWords()
  const { columns: names } = audit
  const format = useFormat()
  const columns: Column<AuditEntry>[] = [
    {
      key: 'at',
      header: names.at,
      label: names.at,
      cell: ({ at }) => (
        <time dateTime={at} title={format.relative(at)} className={styles.whole}>
          {format.exactTime(at)}
        </time>
      ),
    },
    {
      key: 'actor',
      header: names.actor,
      label: names.actor,
      cell: ({ actor }) => (
        <AnchorLink
          to="/audit"
          search={before => ({ ...before, actor, cursor: undefined })}
          title={visibleText(audit.only(actor))}
          size="sm"
        >
          <PlainText>{actor}</PlainText>
        </AnchorLink>
      ),
    },
    {
      key: 'act',
      header: names.act,
      label: names.act,
      cell: ({ act }) => (
        <div>
          {wordOf(audit.acts, act)}{' '}
          <Text span size="xs" c="dimmed" ff="monospace">
            {visibleText(act)}
          </Text>
        </div>
      ),
    },
    {
      key: 'object',
      header: names.object,
      label: names.object,
      cell: entry => <ObjectOf entry={entry} />,
    },
    {
      key: 'project',
      header: names.project,
      label: names.project,
      cell: ({ project_id }) => <PlainText>{project_id}</PlainText>,
    },
    {
      key: 'details',
      header: names.details,
      label: names.details,
      cell: ({ details }) => <Details details={details} />,
    },
  ]
  return <DataTable caption={audit.list} columns={columns} rows={items} keyOf={({ id }) => String(id)} />
}

/** A link to what has a page of its own. */
function ObjectOf({ entry: { act, object } }: { entry: AuditEntry }) {
  const isId = UUID.test(object)
  const shown = isId ? (
    <span className={styles.whole}>{object.slice(0, 8)}</span>
  ) : (
    <PlainText>{object}</PlainText>
  )
  if (isId && act.startsWith('backup.'))
    return (
      <AnchorLink to="/backups/$id" params={{ id: object }} size="sm">
        {shown}
      </AnchorLink>
    )
  if (isId && act.startsWith('job.'))
    return (
      <AnchorLink to="/jobs/$id" params={{ id: object }} size="sm">
        {shown}
      </AnchorLink>
    )
  return <span title={visibleText(object)}>{shown}</span>
}

function Details({ details }: { details: AuditEntry['details'] }) {
  const entries = Object.entries(details).filter(([, value]) => value !== null)
  if (entries.length === 0) return '–'
  return (
    <div className={styles.details}>
      {entries.map(([name, value]) => (
        <Text key={name} size="xs" span mr="sm">
          <Text span size="xs" c="dimmed">
            {visibleText(name)}:
          </Text>{' '}
          {typeof value === 'object' ? (
            <Code>{visibleText(JSON.stringify(value))}</Code>
          ) : (
            <PlainText>{String(value)}</PlainText>
          )}
        </Text>
      ))}
    </div>
  )
}
