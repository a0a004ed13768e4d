import { Button, Code, CopyButton, Group } from '@mantine/core'
import { visibleText } from '#format/plain-text.tsx'

/** A text to be used elsewhere, such as a command or a hash, and a button that copies it. */
export function CopyText({
  text,
  copy,
  copied,
  label,
}: {
  text: string
  copy: string
  copied: string
  /** What is copied; for screen readers. */
  label: string
}) {
  return (
    <Group gap="xs" align="flex-start" wrap="nowrap">
      <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', flex: 1, minWidth: 0 }}>
        {visibleText(text, true)}
      </Code>
      <CopyButton value={text}>
        {({ copied: isCopied, copy: doCopy }) => (
          <Button
            size="compact-sm"
            variant="default"
            onClick={doCopy}
            aria-label={`${isCopied ? copied : copy}: ${label}`}
          >
            {isCopied ? copied : copy}
          </Button>
        )}
      </CopyButton>
    </Group>
  )
}
