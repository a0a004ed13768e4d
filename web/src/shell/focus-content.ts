import { useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'

const CONTENT = 'content'

/** The element of the page that holds the screen. */
export const contentProps = { id: CONTENT, tabIndex: -1 } as const

export function focusContent(options?: FocusOptions): void {
  document.getElementById(CONTENT)?.focus(options)
}

/**
 * Another screen gets the focus, where it was on a link that is gone or in the navigation: who types goes on
 * there, and a reader begins there. A screen that gives the focus to something itself keeps it.
 */
export function useFocusOnNewScreen(): void {
  const router = useRouter()
  useEffect(
    () =>
      router.subscribe('onRendered', ({ pathChanged, fromLocation }) => {
        if (fromLocation === undefined || !pathChanged) return
        const focused = document.activeElement
        if (focused === null || focused === document.body || focused.closest('nav') !== null)
          focusContent({ preventScroll: true })
      }),
    [router],
  )
}
