import { Autocomplete, Button, Group, NativeSelect, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { listSourcesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { BACKUP_STATES, BACKUP_TYPES, type BackupSearch, isFiltered } from '#screens/backups/backup-search.ts'
import { useWhoAmI } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** Writes the filters into the URL. A text counts when it is left, or with Enter. */
export function BackupFilters({
  search,
  onChange,
}: {
  search: BackupSearch
  onChange: (search: BackupSearch) => void
}) {
  const { backups } = useWords()
  const projects = useProjects()
  const sources = useSourceNames(search.project)
  const set = (change: Partial<BackupSearch>): void => onChange({ ...search, ...change, cursor: undefined })
  const chosen = <Value extends string>(values: readonly Value[], value: string): Value | undefined =>
    values.find(one => one === value)
  return (
    <Group role="search" aria-label={backups.filters} align="flex-end" gap="sm">
      <NameFilter
        // What the URL says counts, also after "back".
        key={`project ${search.project}`}
        label={backups.project}
        placeholder={backups.anyProject}
        known={projects}
        name={search.project ?? ''}
        onChange={project => set({ project })}
      />
      <NameFilter
        key={`source ${search.source}`}
        label={backups.source}
        placeholder={backups.anySource}
        known={sources}
        name={search.source ?? ''}
        onChange={source => set({ source })}
      />
      <NativeSelect
        label={backups.type}
        value={search.type ?? ''}
        onChange={event => set({ type: chosen(BACKUP_TYPES, event.currentTarget.value) })}
        data={[
          { value: '', label: backups.any },
          ...BACKUP_TYPES.map(value => ({ value, label: backups.types[value] })),
        ]}
      />
      <NativeSelect
        label={backups.state}
        value={search.state ?? ''}
        onChange={event => set({ state: chosen(BACKUP_STATES, event.currentTarget.value) })}
        data={[
          { value: '', label: backups.any },
          ...BACKUP_STATES.map(value => ({ value, label: backups.states[value] })),
        ]}
      />
      <TagFilter key={`tag ${search.tag}`} tag={search.tag ?? ''} onChange={tag => set({ tag })} />
      <DayFilter label={backups.from} day={search.from} onChange={from => set({ from })} />
      <DayFilter label={backups.to} day={search.to} onChange={to => set({ to })} />
      {isFiltered(search) ? (
        <Button variant="default" onClick={() => onChange({ calendar: search.calendar })}>
          {backups.clear}
        </Button>
      ) : null}
    </Group>
  )
}

/** The projects of the sources, and those that the person is bound to. */
export function useProjects(): string[] {
  const { projects } = useWhoAmI()
  const { data } = useQuery(listSourcesOptions())
  const named = data?.items.map(({ project_id }) => project_id).filter(project => project !== null) ?? []
  return [...new Set([...(projects ?? []), ...named])].toSorted()
}

/** The names of the sources of a project, or of all that the person sees. */
function useSourceNames(project: string | undefined): string[] {
  const { data } = useQuery(listSourcesOptions())
  const named = (data?.items ?? []).filter(
    ({ project_id }) => project === undefined || project_id === project,
  )
  return [...new Set(named.map(({ name }) => name))].toSorted()
}

function NameFilter({
  label,
  placeholder,
  known,
  name,
  onChange,
}: {
  label: string
  placeholder: string
  known: readonly string[]
  name: string
  onChange: (name: string | undefined) => void
}) {
  const [text, setText] = useState(name)
  const apply = (value: string): void => {
    if (value.trim() !== name) onChange(value.trim() === '' ? undefined : value.trim())
  }
  return (
    <Autocomplete
      label={label}
      placeholder={placeholder}
      data={[...known]}
      value={text}
      onChange={setText}
      onOptionSubmit={apply}
      onBlur={() => apply(text)}
      onKeyDown={({ key }) => {
        if (key === 'Enter') apply(text)
      }}
      w={180}
    />
  )
}

function TagFilter({ tag, onChange }: { tag: string; onChange: (tag: string | undefined) => void }) {
  const { backups } = useWords()
  const [text, setText] = useState(tag)
  const apply = (): void => {
    if (text.trim() !== tag) onChange(text.trim() === '' ? undefined : text.trim())
  }
  return (
    <TextInput
      label={backups.tag}
      value={text}
      onChange={event => setText(event.currentTarget.value)}
      onBlur={apply}
      onKeyDown={({ key }) => {
        if (key === 'Enter') apply()
      }}
      w={130}
    />
  )
}

/** A day that is not written to its end counts for nothing yet. */
function DayFilter({
  label,
  day,
  onChange,
}: {
  label: string
  day: string | undefined
  onChange: (day: string | undefined) => void
}) {
  const [text, setText] = useState(day ?? '')
  useEffect(() => setText(day ?? ''), [day])
  return (
    <TextInput
      type="date"
      label={label}
      value={text}
      max="9999-12-31"
      onChange={event => setText(event.currentTarget.value)}
      onBlur={() => {
        if (text !== (day ?? '')) onChange(text === '' ? undefined : text)
      }}
      onKeyDown={({ key }) => {
        if (key === 'Enter') onChange(text === '' ? undefined : text)
      }}
      w={150}
    />
  )
}
