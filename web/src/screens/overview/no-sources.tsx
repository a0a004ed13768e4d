import { Code } from '@mantine/core'
import { Empty } from '#shell/states.tsx'
import { useWhoAmI } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

const SAMPLE = `sources:
  shop:
    project: shop
    type: database
    postgres: postgresql://backup:\${SHOP_PASSWORD}@localhost/shop
  uploads:
    project: shop
    type: storage
    directory: /srv/uploads`

/** What to write to have a first source. */
export function NoSources() {
  const { overview } = useWords()
  const { projects } = useWhoAmI()
  if (projects !== null) return <Empty title={overview.noSources}>{overview.noSourcesBound}</Empty>
  return (
    <Empty title={overview.noSources}>
      {overview.noSourcesText}
      <Code block my="sm" ta="left">
        {SAMPLE}
      </Code>
      {overview.noSourcesNext}
    </Empty>
  )
}
