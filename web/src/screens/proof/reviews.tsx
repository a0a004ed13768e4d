import { Button, Paper, Stack, Text, Textarea, TextInput, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { getEvidenceQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import { reviewEvidence } from '#api/generated/sdk.gen.ts'
import type { EvidenceDetails } from '#api/generated/types.gen.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { useMay, useWhoAmI } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** What people say of a record, and a form for one more who may. */
export function Reviews({ evidence }: { evidence: EvidenceDetails }) {
  const { proof } = useWords()
  const { evidence: words } = proof
  const isAdmin = useMay('admin')
  return (
    <Stack gap="xs">
      <Title order={3} size="h5">
        {words.reviews}
      </Title>
      {evidence.reviews.length === 0 ? <Text size="sm">{words.noReviews}</Text> : null}
      {evidence.reviews.map(({ id, at, name, note }) => (
        <Paper key={id} withBorder p="sm">
          <Text size="sm" fw={600}>
            <PlainText>{name}</PlainText>, <Time at={at} />
          </Text>
          <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>
            <bdi>{visibleText(note, true)}</bdi>
          </Text>
        </Paper>
      ))}
      {isAdmin ? (
        <ReviewForm id={evidence.id} />
      ) : (
        <Text size="sm" c="dimmed">
          {words.adminOnly}
        </Text>
      )}
    </Stack>
  )
}

function ReviewForm({ id }: { id: string }) {
  const { proof } = useWords()
  const { evidence: words } = proof
  const queryClient = useQueryClient()
  const who = useWhoAmI()
  const [name, setName] = useState(who.kind === 'person' ? who.who : '')
  const [note, setNote] = useState('')
  const review = useAct(async () => {
    await reviewEvidence({ path: { id }, body: { name: name.trim(), note: note.trim() } })
    await queryClient.invalidateQueries({ queryKey: getEvidenceQueryKey({ path: { id } }) })
  }, words.saved)
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (await review.run()) setNote('')
  }
  return (
    <form onSubmit={event => void submit(event)} aria-label={words.review}>
      <Stack gap="xs" maw="40rem" align="flex-start">
        <Text size="sm" c="dimmed">
          {words.reviewHint}
        </Text>
        <TextInput
          label={words.name}
          value={name}
          onChange={event => setName(event.currentTarget.value)}
          maxLength={200}
          w="100%"
        />
        <Textarea
          label={words.note}
          placeholder={words.notePlaceholder}
          value={note}
          onChange={event => setNote(event.currentTarget.value)}
          maxLength={4_000}
          autosize
          minRows={2}
          w="100%"
        />
        <Button
          type="submit"
          variant="default"
          loading={review.isRunning}
          disabled={name.trim() === '' || note.trim() === ''}
        >
          {words.save}
        </Button>
      </Stack>
    </form>
  )
}
