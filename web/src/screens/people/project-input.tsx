import { Autocomplete, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { listSourcesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { useWhoAmI } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** The project that somebody is limited to; empty for all. Who is limited cannot let others do more. */
export function ProjectInput({
  value,
  onChange,
  hint,
}: {
  value: string
  onChange: (value: string) => void
  hint: string
}) {
  const { people } = useWords()
  const { projects } = useWhoAmI()
  const { data } = useQuery(listSourcesOptions())
  const [only] = projects ?? []
  if (only !== undefined) return <Text size="sm">{people.person.projectFixed(visibleText(only))}</Text>
  const known = new Set((data?.items ?? []).flatMap(({ project_id: id }) => (id === null ? [] : [id])))
  return (
    <Autocomplete
      label={people.project}
      description={hint}
      placeholder={people.allProjects}
      data={[...known].sort()}
      value={value}
      onChange={onChange}
      maxLength={64}
    />
  )
}
