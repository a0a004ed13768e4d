import { lazy, Suspense } from 'react'
import { useIsNoticeWanted } from '#acts/notices.ts'

const Notifications = lazy(async () => ({
  default: (await import('@mantine/notifications')).Notifications,
}))

/** Where notices appear. */
export function NoticeCorner() {
  if (!useIsNoticeWanted()) return null
  return (
    <Suspense>
      <Notifications position="bottom-right" />
    </Suspense>
  )
}
