import { Menu, type MenuItemProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import type { AnchorHTMLAttributes, Ref } from 'react'

type LinkAttributes = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof MenuItemProps> & {
  ref?: Ref<HTMLAnchorElement>
}

function PlainMenuItem(props: MenuItemProps & LinkAttributes) {
  return <Menu.Item component="a" {...props} />
}

/** An entry of a menu that leads to a screen. */
export const MenuLink = createLink(PlainMenuItem)
