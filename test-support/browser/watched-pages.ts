import type { Browser, BrowserContext, BrowserContextOptions, ConsoleMessage, Page } from 'playwright-core'

export type { Locator, Page } from 'playwright-core'

/** How a visitor looks at the page. */
export interface Look {
  /** Pixels; 1440 unless given. */
  width?: number
  theme?: 'light' | 'dark'
  /** Such as `ru-RU`; English unless given. */
  language?: string
  cookies?: Parameters<BrowserContext['addCookies']>[0]
  /**
   * Messages on the console that the test itself causes, such as those about a server that it has stopped.
   */
  mayReport?: RegExp
  /** Another site that the browser is sent to, as the origin of it. */
  mayVisit?: string
}

/** Windows of one browser, and all that went wrong in them. */
export interface WatchedPages {
  /** A new window with cookies and a storage of its own; `base` is where the page is. */
  open(base: string, look?: Look): Promise<Page>
  /** Another tab of the same window. */
  openTab(page: Page): Promise<Page>
  /** Violations of the policy, errors and warnings on the console, and requests to other hosts. */
  faults: string[]
  close(): Promise<void>
}

const HEIGHT = 900
/** A limit for what hangs, not for a busy machine. */
const WITHIN_MS = 100_000
const TELL_VIOLATIONS = `document.addEventListener('securitypolicyviolation', event =>
  console.error('CSP: ' + event.violatedDirective + ' stopped ' + event.blockedURI + ' of ' + event.sourceFile))`

export function watchPages(browser: Browser): WatchedPages {
  const faults: string[] = []
  const contexts: BrowserContext[] = []
  return {
    faults,
    open: async (base, look = {}) => {
      const context = await browser.newContext(optionsOf(base, look))
      contexts.push(context)
      context.setDefaultTimeout(WITHIN_MS)
      await watch(context, { base, look, faults })
      if (look.cookies !== undefined) await context.addCookies(look.cookies)
      return await context.newPage()
    },
    openTab: page => page.context().newPage(),
    close: async () => {
      await Promise.all(contexts.map(context => context.close()))
    },
  }
}

function optionsOf(
  base: string,
  { width = 1_440, theme = 'light', language = 'en-GB' }: Look,
): BrowserContextOptions {
  return {
    baseURL: base,
    viewport: { width, height: HEIGHT },
    colorScheme: theme,
    locale: language,
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
  }
}

async function watch(
  context: BrowserContext,
  { base, look, faults }: { base: string; look: Look; faults: string[] },
): Promise<void> {
  await context.addInitScript({ content: TELL_VIOLATIONS })
  const { origin } = new URL(base)
  context.on('console', (message: ConsoleMessage) => {
    const isFault = ['error', 'warning'].includes(message.type())
    const text = `${message.type()} on the console: ${message.text()} (${message.location().url})`
    if (isFault && look.mayReport?.test(text) !== true) faults.push(text)
  })
  context.on('weberror', error => faults.push(`uncaught: ${String(error.error())}`))
  context.on('request', request => {
    const url = request.url()
    const isKnown = [origin, look.mayVisit].some(known => known && url.startsWith(`${known}/`))
    if (!isKnown && !/^(?:data|blob|about):/.test(url)) faults.push(`a request to another host: ${url}`)
  })
}
