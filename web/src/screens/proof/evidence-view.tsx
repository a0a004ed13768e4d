import { Anchor, Button, Code, Group, Stack, Text, VisuallyHidden } from '@mantine/core'
import ExternalLink from 'lucide-react/icons/external-link'
import type { ReactNode } from 'react'
import { saveFile } from '#acts/save-file.ts'
import { urlOf } from '#api/client.ts'
import type { EvidenceDetails } from '#api/generated/types.gen.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { Reviews } from '#screens/proof/reviews.tsx'
import { FactList } from '#shell/fact-list.tsx'
import { useWords } from '#words/language.tsx'

/** The signed record: where it is, who signed it, how to take it away, and what people say of it. */
export function EvidenceView({ evidence }: { evidence: EvidenceDetails }) {
  const { proof } = useWords()
  const { evidence: words } = proof
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {words.text}
      </Text>
      <FactList
        facts={{
          [words.number]: evidence.number,
          [words.signer]: <Hash>{evidence.signer}</Hash>,
          [words.hash]: <Hash>{evidence.sha256}</Hash>,
          [words.previous]: evidence.previous === null ? words.first : <Hash>{evidence.previous}</Hash>,
          [words.messages]: <Messages messages={evidence.messages} />,
        }}
      />
      <Group>
        <Button
          component="a"
          variant="default"
          href={urlOf(`api/v1/evidence/${evidence.id}`)}
          target="_blank"
          rel="noopener"
          rightSection={<ExternalLink size={16} aria-hidden />}
        >
          {words.print}
          <VisuallyHidden> ({words.opensTab})</VisuallyHidden>
        </Button>
        <Button variant="default" onClick={() => download(evidence)}>
          {words.download}
        </Button>
      </Group>
      <Text size="sm" component="div">
        {words.verify}
        <Code block mt="xs" style={{ whiteSpace: 'pre-wrap' }}>
          telegram-backup evidence export {evidence.id.slice(0, 8)} --out evidence.json
        </Code>
      </Text>
      <Reviews evidence={evidence} />
    </Stack>
  )
}

function Hash({ children }: { children: string }) {
  return (
    <Code style={{ overflowWrap: 'anywhere' }}>
      <PlainText>{children}</PlainText>
    </Code>
  )
}

function Messages({ messages }: Pick<EvidenceDetails, 'messages'>): ReactNode {
  const { proof } = useWords()
  if (messages.length === 0) return proof.evidence.notPosted
  return messages.map(({ chat_id: chat, message_id: id, sent_at: at }) => {
    const link = messageLink(chat, id)
    const text = proof.evidence.message(String(id), chat)
    return (
      <Text size="sm" key={`${chat} ${id}`}>
        {link === undefined ? (
          <PlainText>{text}</PlainText>
        ) : (
          <Anchor href={link} target="_blank" rel="noopener noreferrer">
            <PlainText>{text}</PlainText>
          </Anchor>
        )}
        {at === null ? null : (
          <>
            , <Time at={at} />
          </>
        )}
      </Text>
    )
  })
}

/** Opens a message of a private channel in Telegram; a chat of another kind has no such address. */
function messageLink(chat: string, id: number): string | undefined {
  const channel = /^-100(\d+)$/.exec(chat)?.[1]
  return channel === undefined ? undefined : `https://t.me/c/${channel}/${id}`
}

function download(evidence: EvidenceDetails): void {
  const name = `evidence-${evidence.number}-${evidence.id.slice(0, 8)}.json`
  saveFile({ name, text: `${JSON.stringify(evidence, null, 2)}\n`, type: 'application/json' })
}
