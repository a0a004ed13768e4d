import {
  Alert,
  Autocomplete,
  Button,
  FileInput,
  Group,
  Modal,
  NativeSelect,
  Stack,
  Text,
} from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useBlocker } from '@tanstack/react-router'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { refetchAfter } from '#live/apply-event.ts'
import { useProjects } from '#screens/backups/backup-filters.tsx'
import { BACKUP_TYPES } from '#screens/backups/backup-search.ts'
import { type UploadEnd, type UploadRequest, upload } from '#screens/backups/upload.ts'
import { UploadEnded } from '#screens/backups/upload-ended.tsx'
import { UploadProgress } from '#screens/backups/upload-progress.tsx'
import { useWords } from '#words/language.tsx'

type Phase = 'asking' | 'sending' | UploadEnd

/** A file of this computer becomes a backup. */
export function UploadDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const { backups } = useWords()
  const words = backups.upload
  const [phase, setPhase] = useState<Phase>('asking')
  const [sent, setSent] = useState(0)
  const [asked, setAsked] = useState<UploadRequest>()
  const queryClient = useQueryClient()
  const running = useRef<{ cancel: () => void }>(undefined)
  const isSending = phase === 'sending'
  // The bytes come from this tab: without it, there is no upload.
  useEffect(() => () => running.current?.cancel(), [])
  useBlocker({
    shouldBlockFn: () => !window.confirm(words.leave),
    enableBeforeUnload: true,
    disabled: !isSending,
  })
  const start = (request: UploadRequest): void => {
    setAsked(request)
    setSent(0)
    setPhase('sending')
    const end = (of: UploadEnd): void => {
      setPhase(of)
      void refetchAfter(queryClient, 'backup')
    }
    running.current = upload(request, { progress: setSent, end })
  }
  const close = (): void => {
    setPhase('asking')
    onClose()
  }
  return (
    <Modal
      opened={isOpen}
      onClose={close}
      title={words.title}
      size="lg"
      closeOnClickOutside={false}
      closeOnEscape={!isSending}
      withCloseButton={!isSending}
      closeButtonProps={{ 'aria-label': words.close }}
    >
      {phase === 'asking' ? (
        <UploadForm onStart={start} first={asked} />
      ) : phase === 'sending' && asked !== undefined ? (
        <UploadProgress
          name={asked.file.name}
          sent={sent}
          total={asked.file.size}
          onCancel={() => running.current?.cancel()}
        />
      ) : phase === 'sending' ? null : (
        <UploadEnded end={phase} onAgain={() => setPhase('asking')} onClose={close} />
      )}
    </Modal>
  )
}

function UploadForm({
  onStart,
  first,
}: {
  onStart: (request: UploadRequest) => void
  /** Of the upload before. */
  first: UploadRequest | undefined
}) {
  const { backups } = useWords()
  const words = backups.upload
  const projects = useProjects()
  const [project, setProject] = useState(first?.project ?? (projects.length === 1 ? (projects[0] ?? '') : ''))
  const [type, setType] = useState<UploadRequest['type']>(first?.type ?? 'storage')
  const [file, setFile] = useState<File | null>(null)
  const [isAsked, setAsked] = useState(false)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setAsked(true)
    if (project.trim() !== '' && file !== null && file.size > 0)
      onStart({ project: project.trim(), type, file })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{words.intro}</Text>
        <Autocomplete
          label={words.project}
          description={words.projectHint}
          required
          data={projects}
          value={project}
          onChange={setProject}
          error={isAsked && project.trim() === '' ? words.needsProject : undefined}
        />
        <NativeSelect
          label={words.type}
          value={type}
          onChange={event =>
            setType(BACKUP_TYPES.find(one => one === event.currentTarget.value) ?? 'storage')
          }
          data={BACKUP_TYPES.map(value => ({ value, label: backups.types[value] }))}
        />
        <FileInput
          label={words.file}
          placeholder={words.chooseFile}
          required
          value={file}
          onChange={setFile}
          error={file?.size === 0 ? words.emptyFile : isAsked && file === null ? words.needsFile : undefined}
        />
        <Alert variant="light">{words.stay}</Alert>
        <Group justify="flex-end">
          <Button type="submit">{words.start}</Button>
        </Group>
      </Stack>
    </form>
  )
}
