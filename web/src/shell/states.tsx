import { Alert, Anchor, Button, Center, Loader, Stack, Text, Title } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { type ApiProblem, asProblem, isUnreachable } from '#api/problem.ts'
import { PlainText } from '#format/plain-text.tsx'
import { HintText } from '#shell/hint.tsx'
import { useWords } from '#words/language.tsx'

export function Loading() {
  const { states } = useWords()
  return (
    <Center p="xl" role="progressbar" aria-label={states.loading}>
      <Loader aria-hidden />
    </Center>
  )
}

/** There is nothing to show, and what can be done about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" p="xl">
      <Title order={2} size="md">
        {title}
      </Title>
      {children === undefined ? null : (
        <Text c="dimmed" ta="center" component="div">
          {children}
        </Text>
      )}
    </Stack>
  )
}

export function Forbidden() {
  const { states } = useWords()
  return (
    <Alert color="yellow" variant="light" title={states.forbidden}>
      {states.forbiddenHint}
    </Alert>
  )
}

export function NotFound() {
  const { states } = useWords()
  return (
    <Empty title={states.notFound}>
      {states.notFoundHint}{' '}
      <Anchor component={Link} to="/" underline="always">
        {states.toOverview}
      </Anchor>
    </Empty>
  )
}

/** A part of the page could not be fetched, and is asked for again by a reload alone. */
export function PartAway() {
  const { states } = useWords()
  return (
    <Alert color="red" variant="light" title={states.failed} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{states.partAway}</Text>
        <Button size="xs" variant="default" onClick={() => window.location.reload()}>
          {states.reload}
        </Button>
      </Stack>
    </Alert>
  )
}

/** What went wrong, in the words of the API, and what to do next. */
export function Failed({ problem, retry }: { problem: ApiProblem; retry?: () => void }) {
  const { states } = useWords()
  if (problem.status === 403) return <Forbidden />
  if (problem.status === 404) return <NotFound />
  return (
    <Alert color="red" variant="light" title={states.failed} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {problem.code === 'ERROR' ? `${states.fault} ` : null}
          {isUnreachable(problem) ? states.unreachable : <PlainText>{problem.message}</PlainText>}
        </Text>
        <HintText hint={problem.hint} />
        {retry === undefined ? null : (
          <Button size="xs" variant="default" onClick={retry}>
            {states.retry}
          </Button>
        )}
      </Stack>
    </Alert>
  )
}

/** The answer of a query, or why there is none. An answer stays while a newer one cannot be had. */
export function QueryView<Data>({
  query,
  children,
}: {
  query: UseQueryResult<Data, unknown>
  children: (data: Data) => ReactNode
}) {
  const { data, error, isPending, refetch } = query
  if (data !== undefined) return children(data)
  if (isPending && error === null) return <Loading />
  return <Failed problem={asProblem(error)} retry={() => void refetch()} />
}
