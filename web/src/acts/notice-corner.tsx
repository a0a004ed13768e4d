import { Notification, Stack } from '@mantine/core'
import styles from '#acts/notice-corner.module.css'
import { endNotice, useNotices } from '#acts/notices.ts'
import { useWords } from '#words/language.tsx'

/** Where notices appear. It is in the first load: it also has to say that the server is away. */
export function NoticeCorner() {
  const { states } = useWords()
  return (
    <Stack gap="xs" className={styles.corner}>
      {useNotices().map(({ id, text, isGood }) => (
        <Notification
          key={id}
          color={isGood ? 'teal' : 'red'}
          withBorder
          onClose={() => endNotice(id)}
          closeButtonProps={{ 'aria-label': states.closeNotice }}
        >
          {text}
        </Notification>
      ))}
    </Stack>
  )
}
