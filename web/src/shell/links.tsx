import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import type { AnchorHTMLAttributes, Ref } from 'react'

type LinkAttributes = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps | keyof AnchorProps> & {
  ref?: Ref<HTMLAnchorElement>
}

function PlainAnchor(props: AnchorProps & LinkAttributes) {
  return <Anchor {...props} />
}

function PlainButton(props: ButtonProps & LinkAttributes) {
  return <Button component="a" {...props} />
}

/** A link to a screen; its path and parameters are checked. */
export const AnchorLink = createLink(PlainAnchor)

/** A link to a screen that looks like a button. */
export const ButtonLink = createLink(PlainButton)
