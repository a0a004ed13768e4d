import { Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { listSourcesOptions, listTargetsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Source, Target } from '#api/generated/types.gen.ts'
import { PlainText } from '#format/plain-text.tsx'
import { CheckResult } from '#screens/sources/check-result.tsx'
import { HowToAdd } from '#screens/sources/how-to-add.tsx'
import { SourceActs } from '#screens/sources/source-acts.tsx'
import { SourceSchedules } from '#screens/sources/source-schedules.tsx'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { Empty, QueryView } from '#shell/states.tsx'
import { useMay } from '#shell/whoami.ts'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

export function SourcesScreen() {
  const { sources, shell } = useWords()
  const query = useQuery(listSourcesOptions())
  const targets = useQuery(listTargetsOptions())
  return (
    <Stack gap="md">
      <Title order={1}>{shell.sources}</Title>
      <Text size="sm" c="dimmed">
        {sources.says}
      </Text>
      <QueryView query={query}>
        {({ items }) => (
          <>
            {items.length === 0 ? (
              <Empty title={sources.none}>{sources.noneHint}</Empty>
            ) : (
              <SourceTable items={items} />
            )}
            <HowToAdd isOpen={items.length === 0} />
          </>
        )}
      </QueryView>
      <Title order={2} size="h3">
        {sources.targets}
      </Title>
      <QueryView query={targets}>
        {({ items }) =>
          items.length === 0 ? <Text size="sm">{sources.noTargets}</Text> : <TargetTable items={items} />
        }
      </QueryView>
    </Stack>
  )
}

function SourceTable({ items }: { items: readonly Source[] }) {
  const { backups, sources } = useWords()
  const mayAct = useMay('backup')
  const { columns: names } = sources
  const columns: Column<Source>[] = [
    {
      key: 'source',
      header: names.source,
      label: '',
      cell: ({ name, is_usable, serves }) => (
        <div>
          <AnchorLink to="/sources/$name" params={{ name }} size="sm" fw={600}>
            <PlainText>{name}</PlainText>
          </AnchorLink>
          {is_usable && serves > 0 ? null : (
            <Text size="xs" c="red">
              {is_usable ? sources.unserved : sources.unusable}
            </Text>
          )}
        </div>
      ),
    },
    {
      key: 'kind',
      header: names.kind,
      label: names.kind,
      cell: ({ kind, type }) => (
        <div>
          {kind === null ? '–' : wordOf(sources.kinds, kind)}
          <Text size="xs" c="dimmed">
            {type === null ? null : wordOf(backups.types, type)}
          </Text>
        </div>
      ),
    },
    {
      key: 'project',
      header: names.project,
      label: names.project,
      cell: ({ project_id }) => <PlainText>{project_id}</PlainText>,
    },
    {
      key: 'schedules',
      header: names.schedules,
      label: names.schedules,
      cell: source => <SourceSchedules source={source} />,
    },
    {
      key: 'check',
      header: names.check,
      label: names.check,
      cell: ({ last_check }) => <CheckResult check={last_check} isShort={last_check?.state === 'ok'} />,
    },
    { key: 'acts', header: names.acts, label: '', cell: source => <SourceActs source={source} /> },
  ]
  const shown = columns.filter(({ key }) => mayAct || key !== 'acts')
  return <DataTable caption={sources.list} columns={shown} rows={items} keyOf={keyOf} />
}

function TargetTable({ items }: { items: readonly Target[] }) {
  const { sources } = useWords()
  const { columns: names } = sources
  const columns: Column<Target>[] = [
    {
      key: 'target',
      header: names.target,
      label: names.target,
      cell: ({ name }) => <PlainText>{name}</PlainText>,
    },
    {
      key: 'kind',
      header: names.kind,
      label: names.kind,
      cell: ({ kind }) => (kind === null ? '–' : wordOf(sources.kinds, kind)),
    },
    {
      key: 'project',
      header: names.project,
      label: names.project,
      cell: ({ project_id }) =>
        project_id === null ? sources.anyProject : <PlainText>{project_id}</PlainText>,
    },
    {
      key: 'serves',
      header: names.serves,
      label: names.serves,
      cell: ({ serves }) => sources.serves(serves),
    },
  ]
  return <DataTable caption={sources.targets} columns={columns} rows={items} keyOf={keyOf} />
}

/** The same name may stand in the files of two serves with different projects. */
function keyOf({ name, project_id }: { name: string; project_id: string | null }): string {
  return `${name} ${project_id}`
}
