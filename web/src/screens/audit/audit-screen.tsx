import { Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { listAuditOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { ListAuditData } from '#api/generated/types.gen.ts'
import { AuditFilters } from '#screens/audit/audit-filters.tsx'
import { type AuditSearch, startOf } from '#screens/audit/audit-search.ts'
import { AuditTable } from '#screens/audit/audit-table.tsx'
import { Pages } from '#shell/pages.tsx'
import { Empty, Forbidden, QueryView } from '#shell/states.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

const route = getRouteApi('/signed-in/audit')
const PAGE = 50
type Query = NonNullable<ListAuditData['query']>

export function AuditScreen() {
  const { audit, shell } = useWords()
  const mayRead = useMay('admin')
  return (
    <Stack gap="md">
      <Title order={1}>{shell.audit}</Title>
      <Text size="sm" c="dimmed">
        {audit.says}
      </Text>
      {mayRead ? <Entries /> : <Forbidden />}
    </Stack>
  )
}

function Entries() {
  const { audit } = useWords()
  const { cursor, ...filters } = route.useSearch()
  const navigate = route.useNavigate()
  const query = useQuery(listAuditOptions({ query: { ...queryOf(filters), cursor, limit: PAGE } }))
  const apply = (search: AuditSearch): void => void navigate({ search })
  const isFiltered = Object.values(filters).some(Boolean)
  return (
    <>
      <AuditFilters filters={filters} apply={apply} />
      <QueryView query={query}>
        {({ items, next_cursor }) =>
          items.length === 0 && cursor === undefined ? (
            <Empty title={isFiltered ? audit.noneFound : audit.none} />
          ) : (
            <>
              <AuditTable items={items} />
              <Pages
                cursor={cursor}
                next={next_cursor}
                go={({ cursor: to, state }) => void navigate({ search: { ...filters, cursor: to }, state })}
              />
            </>
          )
        }
      </QueryView>
    </>
  )
}

/** An act that this page does not know is asked for all the same: the server says what is wrong with it. */
function queryOf({ project, act, from, to, ...rest }: AuditSearch): Query {
  return {
    ...rest,
    ...(act !== undefined && { act: act as Query['act'] }),
    ...(project !== undefined && { project_id: project }),
    ...(from !== undefined && { from: startOf(from) }),
    ...(to !== undefined && { to: startOf(to, 1) }),
  }
}
