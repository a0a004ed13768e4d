import { Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { listPoliciesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Policy } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { keepWords } from '#screens/schedules/keep.ts'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

/** What is kept besides the rules of the schedules, and where each of these policies comes from. */
export function Policies() {
  const { schedules, backups } = useWords()
  const { policies: words, columns: names } = schedules
  const format = useFormat()
  const query = useQuery(listPoliciesOptions())
  const columns: Column<Policy>[] = [
    named('project', words.project, ({ project_id }) => <PlainText>{project_id}</PlainText>),
    named('type', words.type, ({ type }) => backups.types[type]),
    named('of', words.of, ({ source }) =>
      source === null ? (
        words.all
      ) : (
        <>
          <PlainText>{source}</PlainText>
          <Text size="xs" c="dimmed">
            {words.removed}
          </Text>
        </>
      ),
    ),
    named('keep', names.keep, ({ keep }) => <PlainText>{keepWords(keep, schedules, format)}</PlainText>),
  ]
  return (
    <Stack gap="xs" component="section" aria-labelledby="policies">
      <Title order={2} size="h4" id="policies">
        {words.title}
      </Title>
      <Text size="sm" c="dimmed">
        {words.says}
      </Text>
      <QueryView query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Text size="sm">{words.none}</Text>
          ) : (
            <DataTable
              caption={words.title}
              columns={columns}
              rows={items}
              keyOf={policy => JSON.stringify(policy)}
            />
          )
        }
      </QueryView>
    </Stack>
  )
}

function named(key: string, name: string, cell: Column<Policy>['cell']): Column<Policy> {
  return { key, header: name, label: name, cell }
}
