import { Menu } from '@mantine/core'
import { type ReactElement, type ReactNode, useEffect, useRef, useState } from 'react'

/** A menu that opens when it appears, below a button that has just been pressed and takes its place. */
export function OpenedMenu({ target, children }: { target: ReactElement; children: ReactNode }) {
  const [isOpen, setOpen] = useState(false)
  const place = useRef<HTMLSpanElement>(null)
  useEffect(() => {
    // The button that had the focus is gone; the menu gives the focus back to this one.
    place.current?.querySelector('button')?.focus()
    setOpen(true)
  }, [])
  return (
    <span ref={place}>
      <Menu position="bottom-end" withinPortal opened={isOpen} onChange={setOpen}>
        <Menu.Target>{target}</Menu.Target>
        {children}
      </Menu>
    </span>
  )
}
