import { Anchor, Button, Stack, Text, UnstyledButton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import ChevronDown from 'lucide-react/icons/chevron-down'
import ChevronRight from 'lucide-react/icons/chevron-right'
import { useState } from 'react'
import { urlOf } from '#api/client.ts'
import { listMembersInfiniteOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Member } from '#api/generated/types.gen.ts'
import { asProblem } from '#api/problem.ts'
import { useFormat } from '#format/format.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import styles from '#screens/backup/folder-list.module.css'
import { Failed, Loading } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

const PAGE = 200
/** So deep, a folder that holds nothing but one folder opens it by itself. */
const MOST_OPENED = 12

interface FolderPlace {
  /** Of the backup. */
  id: string
  /** As the API names the folder; empty for the top. */
  path: string
  /** Names in and below the folder that have this text, instead of the folder. */
  search?: string
  /** How many folders above opened by themselves. */
  opened?: number
}

/** What is in a folder of a backup. A backup never changes, so what was loaded stays. */
export function Folder({ id, path, search, opened = 0 }: FolderPlace) {
  const { files: words } = useWords().backup
  const query = useInfiniteQuery({
    ...listMembersInfiniteOptions({
      path: { id },
      query: { path, limit: PAGE, ...(search !== undefined && { search }) },
    }),
    initialPageParam: { path: { id } },
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    retry: false,
  })
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query
  if (isPending) return <Loading />
  if (data === undefined) return <Failed problem={asProblem(error)} retry={() => void refetch()} />
  const members = data.pages.flatMap(({ items }) => items)
  if (members.length === 0)
    return <Text size="sm">{search === undefined ? words.empty : words.noneFound}</Text>
  const isAlone = members.length === 1 && !hasNextPage && search === undefined && opened < MOST_OPENED
  return (
    <Stack gap={4} align="flex-start">
      <ul className={styles.folder}>
        {members.map((member, place) => (
          // Two members may have one path; the list of a backup never changes.
          // biome-ignore lint/suspicious/noArrayIndexKey: as above.
          <li key={`${place} ${member.path}`}>
            <Entry
              id={id}
              member={member}
              name={search === undefined ? member.path.slice(member.path.lastIndexOf('/') + 1) : member.path}
              opened={isAlone ? opened + 1 : 0}
            />
          </li>
        ))}
      </ul>
      {error === null ? null : <Failed problem={asProblem(error)} />}
      {hasNextPage ? (
        <Button
          size="compact-sm"
          variant="default"
          loading={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          {words.more}
        </Button>
      ) : null}
    </Stack>
  )
}

function Entry({ id, member, name, opened }: { id: string; member: Member; name: string; opened: number }) {
  const { path, kind } = member
  const [isOpen, setOpen] = useState(opened > 0)
  if (kind !== 'directory') return <File id={id} member={member} name={name} />
  const Sign = isOpen ? ChevronDown : ChevronRight
  return (
    <>
      <UnstyledButton className={styles.name} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Sign size={16} aria-hidden />
        <Text span size="sm" fw={600}>
          <PlainText>{`${name}/`}</PlainText>
        </Text>
      </UnstyledButton>
      {isOpen ? <Folder id={id} path={path} opened={opened} /> : null}
    </>
  )
}

function File({ id, member, name }: { id: string; member: Member; name: string }) {
  const { files: words } = useWords().backup
  const format = useFormat()
  const { path, kind, size, modified_at, link } = member
  const isFile = kind === 'file' || kind === 'hardlink'
  return (
    <div className={styles.file}>
      <Text span size="sm" className={styles.name}>
        <PlainText>{link === undefined ? name : `${name} → ${link}`}</PlainText>
      </Text>
      <Text span size="sm" c="dimmed">
        {kind === 'file' ? format.bytes(size) : words.kinds[kind as keyof typeof words.kinds]}
        {modified_at === null ? null : (
          <>
            {' · '}
            <Time at={modified_at} />
          </>
        )}
      </Text>
      {isFile ? (
        <Anchor
          size="sm"
          href={urlOf(`api/v1/backups/${encodeURIComponent(id)}/content?path=${encodeURIComponent(path)}`)}
          download
          aria-label={words.downloadLabel(visibleText(path))}
        >
          {words.download}
        </Anchor>
      ) : null}
    </div>
  )
}
