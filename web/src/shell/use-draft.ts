import { useEffect, useState } from 'react'

/**
 * A text that a person types, and that counts when they have finished. What the address says counts more:
 * after "back", the text is the one of then. The field stays, and with it the focus.
 */
export function useDraft(value: string): [string, (text: string) => void] {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  return [text, setText]
}
