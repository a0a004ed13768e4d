import { useQueryClient } from '@tanstack/react-query'
import { createContext, use, useEffect, useState } from 'react'
import { getWhoAmIQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import { EventCache } from '#live/apply-event.ts'
import type { LiveState } from '#live/event-source.ts'
import { followEvents } from '#live/shared-events.ts'

/** Whether what the screens show is kept up to date; the frame knows it. */
export const LiveStateContext = createContext<LiveState>('connecting')

export function useLiveState(): LiveState {
  return use(LiveStateContext)
}

/** Follows the events while the frame is shown. */
export function useLive(): LiveState {
  const queryClient = useQueryClient()
  const [state, setState] = useState<LiveState>('connecting')
  useEffect(() => {
    const cache = new EventCache(queryClient)
    const end = followEvents({
      event: event => cache.apply(event),
      state: next => {
        setState(next)
        // The server ends the stream of a session that has ended; asking again leads to the sign-in.
        if (next === 'interrupted') void queryClient.invalidateQueries({ queryKey: getWhoAmIQueryKey() })
      },
    })
    return () => {
      end()
      cache.stop()
    }
  }, [queryClient])
  return state
}
