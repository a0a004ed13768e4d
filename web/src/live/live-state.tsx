import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { EventCache } from '#live/apply-event.ts'
import type { LiveState } from '#live/event-source.ts'
import { followEvents } from '#live/shared-events.ts'

/** Follows the events while the frame is shown. */
export function useLive(): LiveState {
  const queryClient = useQueryClient()
  const [state, setState] = useState<LiveState>('connecting')
  useEffect(() => {
    const cache = new EventCache(queryClient)
    const end = followEvents({ event: event => cache.apply(event), state: setState })
    return () => {
      end()
      cache.stop()
    }
  }, [queryClient])
  return state
}
