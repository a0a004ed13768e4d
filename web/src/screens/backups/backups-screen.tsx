import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { listBackupsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Backup } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { BackupFilters } from '#screens/backups/backup-filters.tsx'
import { BackupMarks } from '#screens/backups/backup-marks.tsx'
import { backupName } from '#screens/backups/backup-name.ts'
import { type BackupSearch, backupQuery, isFiltered } from '#screens/backups/backup-search.ts'
import { Calendar } from '#screens/backups/calendar.tsx'
import { UploadDialog } from '#screens/backups/upload-dialog.tsx'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { Pages } from '#shell/pages.tsx'
import { Empty, QueryView } from '#shell/states.tsx'
import { useMay } from '#shell/whoami.ts'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

/** Rows of a page; no more are ever in the document. */
const PAGE = 50

export function BackupsScreen() {
  const { backups, shell } = useWords()
  const search = useSearch({ from: '/signed-in/backups' })
  const { calendar } = search
  const navigate = useNavigate({ from: '/backups' })
  const mayUpload = useMay('backup')
  const [isUploading, setUploading] = useState(false)
  const query = useQuery(listBackupsOptions({ query: { ...backupQuery(search), limit: PAGE } }))
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>{shell.backups}</Title>
        <Group gap="sm">
          <Button
            variant="default"
            aria-expanded={calendar === true}
            onClick={() =>
              void navigate({ search: { ...search, calendar: calendar ? undefined : true }, replace: true })
            }
          >
            {backups.calendarTitle}
          </Button>
          {mayUpload ? <Button onClick={() => setUploading(true)}>{backups.upload.open}</Button> : null}
        </Group>
      </Group>
      <Text c="dimmed">{backups.intro}</Text>
      <BackupFilters search={search} onChange={next => void navigate({ search: next })} />
      {calendar ? (
        <Calendar
          search={search}
          onOpen={day =>
            void navigate({ search: { ...search, cursor: undefined, state: undefined, from: day, to: day } })
          }
        />
      ) : null}
      <QueryView query={query}>
        {({ items, next_cursor }) => (
          <Stack>
            {items.length === 0 ? <NoBackups search={search} /> : <BackupTable backups={items} />}
            <Pages
              cursor={search.cursor}
              next={next_cursor}
              go={({ cursor, state }) => void navigate({ search: { ...search, cursor }, state })}
            />
          </Stack>
        )}
      </QueryView>
      {mayUpload ? <UploadDialog isOpen={isUploading} onClose={() => setUploading(false)} /> : null}
    </Stack>
  )
}

function NoBackups({ search }: { search: BackupSearch }) {
  const { backups } = useWords()
  return isFiltered(search) || search.cursor !== undefined ? (
    <Empty title={backups.noneFound}>{backups.noneFoundHint}</Empty>
  ) : (
    <Empty title={backups.none}>{backups.noneHint}</Empty>
  )
}

function BackupTable({ backups: rows }: { backups: readonly Backup[] }) {
  const { backups } = useWords()
  const format = useFormat()
  const columns: Column<Backup>[] = [
    {
      key: 'what',
      header: backups.what,
      label: '',
      cell: backup => (
        <AnchorLink to="/backups/$id" params={{ id: backup.id }} fw={600}>
          <PlainText>{backupName(backup)}</PlainText>
        </AnchorLink>
      ),
    },
    column('project', backups.project, ({ project_id }) => <PlainText>{project_id}</PlainText>),
    column('type', backups.type, ({ type }) => wordOf(backups.types, type)),
    column('state', backups.state, backup => <BackupMarks backup={backup} />),
    column('made', backups.made, ({ created_at }) => <Time at={created_at} />),
    {
      ...column<Backup>('size', backups.size, ({ size, archive_size }) => (
        <span title={archive_size === null ? undefined : backups.sent(format.bytes(archive_size))}>
          {format.bytes(size)}
        </span>
      )),
      isNumber: true,
    },
    column('verified', backups.verified, ({ state, verified_at }) =>
      state !== 'complete' ? (
        '–'
      ) : verified_at === null ? (
        backups.never
      ) : (
        <Time at={verified_at} isRelative />
      ),
    ),
  ]
  return <DataTable caption={backups.table} columns={columns} rows={rows} keyOf={({ id }) => id} />
}

function column<Row>(key: string, name: string, cell: Column<Row>['cell']): Column<Row> {
  return { key, header: name, label: name, cell }
}
