import { Alert, Button, Group, Radio, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { listTargetsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { BackupDetails, Target } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { OnlyAPart } from '#screens/restore/only-a-part.tsx'
import { OtherPlaces } from '#screens/restore/other-places.tsx'
import { kindOf, restoreFormOf } from '#screens/restore/restore-form.ts'
import { StepHeading } from '#screens/restore/step-trail.tsx'
import { Loading, QueryView } from '#shell/states.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

/** Kinds that are restored only into a target of the same kind; any other may be a dump. */
const ONLY_INTO_THEIR_OWN: ReadonlySet<string> = new Set(['directory', 'postgres'])

/** The person chooses where to. */
export function StepTarget({ backup: found }: { backup: BackupDetails }) {
  const { target: words } = useWords().restore
  const query = useQuery(listTargetsOptions())
  // The heading takes the focus when what follows it is there: the next key goes on from it.
  if (query.isPending) return <Loading />
  const places = (
    <OtherPlaces
      backup={found}
      taken={(query.data?.items ?? []).map(({ name }) => name)}
      lookAgain={() => void query.refetch()}
      isLooking={query.isFetching}
    />
  )
  return (
    <Stack>
      <StepHeading step="target" />
      <QueryView query={query}>
        {({ items }) => {
          const isUsable = items.some(target => !isOther(found, target))
          return (
            <>
              {isUsable ? null : (
                <Alert
                  variant="light"
                  color="yellow"
                  title={items.length === 0 ? words.none : words.noneFits}
                >
                  {places}
                </Alert>
              )}
              {isUsable ? <Targets backup={found} targets={items} /> : null}
              {isUsable ? (
                <details>
                  <summary>{words.elsewhere}</summary>
                  <Stack mt="xs">{places}</Stack>
                </details>
              ) : null}
              <OnlyAPart backup={found} target={items.find(target => !isOther(found, target))?.name} />
            </>
          )
        }}
      </QueryView>
    </Stack>
  )
}

/** Whether the target is probably of a kind that does not fit. */
function isOther(found: BackupDetails, { kind: targetKind }: Target): boolean {
  const kind = kindOf(found)
  if (targetKind === null) return false
  if (restoreFormOf(found) === 'directory') return targetKind !== 'directory'
  return kind !== undefined && ONLY_INTO_THEIR_OWN.has(kind) && targetKind !== kind
}

function Targets({ backup: found, targets }: { backup: BackupDetails; targets: readonly Target[] }) {
  const { restore, sources } = useWords()
  const { target: words } = restore
  const nameOf = (kind: string): string => wordOf<string>(sources.kinds, kind)
  const navigate = useNavigate({ from: '/backups/$id/restore' })
  const sorted = targets.toSorted((one, other) => Number(isOther(found, one)) - Number(isOther(found, other)))
  const fitting = targets.filter(target => !isOther(found, target))
  const [chosen, setChosen] = useState(fitting.length === 1 ? (fitting[0]?.name ?? '') : '')
  const [isAsked, setAsked] = useState(false)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setAsked(true)
    if (chosen !== '') void navigate({ search: { target: chosen } })
  }
  const describe = (target: Target): string =>
    [
      words.kind(target.kind === null ? '–' : nameOf(target.kind)),
      target.project_id === null ? words.anyProject : words.project(visibleText(target.project_id)),
      ...(isOther(found, target)
        ? [words.otherKind(nameOf(kindOf(found) ?? restoreFormOf(found)), nameOf(target.kind ?? ''))]
        : []),
    ].join(' · ')
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text>{words.intro}</Text>
        <Radio.Group
          label={words.choose}
          value={chosen}
          onChange={setChosen}
          error={isAsked && chosen === '' ? words.choice : undefined}
          required
        >
          <Stack gap="sm" my="xs">
            {sorted.map(target => (
              <Radio
                key={target.name}
                value={target.name}
                label={<bdi>{visibleText(target.name)}</bdi>}
                description={describe(target)}
              />
            ))}
          </Stack>
        </Radio.Group>
        <Group>
          <Button type="submit">{restore.next}</Button>
        </Group>
      </Stack>
    </form>
  )
}
