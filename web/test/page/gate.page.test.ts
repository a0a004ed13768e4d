import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { seriousFindings } from '@telegram-backup/test-support/browser/accessibility.ts'
import { expect } from 'vitest'
import { pageTest } from '#test/page/page-test.ts'

const it = pageTest({ names: ['elsewhere.example'] })

/** A page with a fault of each kind that the tests of the page are to find. */
const FAULTY = `<!doctype html>
  <html lang="en"><head><title>Faulty</title><style>p { color: #ccc }</style></head>
  <body onload="window.ran = 1">
    <p style="background: white">pale</p>
    <img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
    <button></button>
    <script>window.ran = 1</script>
    <script nonce="ours">
      console.warn('a warning')
      console.error('an error')
      const image = new Image()
      image.src = 'http://elsewhere.example/image.png'
      setTimeout(() => { throw new Error('thrown') })
    </script>
  </body></html>`

it('a page with faults is found to have each of them', async ({ pages }) => {
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.setHeader(
      'Content-Security-Policy',
      "default-src 'none'; script-src 'nonce-ours'; style-src 'self'; img-src * data:",
    )
    response.end(FAULTY)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const page = await pages.open(`http://127.0.0.1:${port}/`)
    await page.goto(`http://127.0.0.1:${port}/`)
    for (const fault of [
      /CSP: style-src-elem stopped inline/,
      /CSP: style-src-attr stopped inline/,
      /CSP: script-src-elem stopped inline/,
      /CSP: script-src-attr stopped inline/,
      /warning on the console: a warning/,
      /error on the console: an error/,
      /uncaught: Error: thrown/,
      /a request to another host: http:\/\/elsewhere\.example\/image\.png/,
    ])
      await expect.poll(() => pages.faults.join('\n')).toMatch(fault)
    const findings = (await seriousFindings(page)).join('\n')
    for (const rule of ['image-alt', 'button-name']) expect(findings).toContain(`${rule}: `)
  } finally {
    server.closeAllConnections()
    server.close()
    pages.faults.length = 0
  }
})

it('what is not of the page is neither run nor drawn nor asked for, also on the page itself', async ({
  site,
  pages,
}) => {
  const page = await pages.open(site.url, { cookies: await site.signIn('Petra') })
  const [first, second] = [await page.goto(site.url), await page.goto(site.url)]
  const policies = [first, second].map(answer => answer?.headers()['content-security-policy'] ?? '')
  expect(policies[0]).not.toBe(policies[1])
  for (const policy of policies) {
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'self' 'nonce-[\w-]{22}'; style-src 'self' 'nonce-/,
    )
    expect(policy).not.toContain('unsafe')
    expect(policy).not.toContain('*')
  }
  await page.getByRole('status').first().waitFor()
  expect(pages.faults).toEqual([])

  await page.evaluate(`{
    const place = document.body.appendChild(document.createElement('div'))
    place.innerHTML = '<img src="data:," onerror="window.ran = 1"><p id="styled" style="color: red">x</p>'
    const add = (name, of) => place.appendChild(Object.assign(document.createElement(name), of))
    add('script', { textContent: 'window.ran = 1' })
    add('script', { src: 'data:text/javascript,window.ran = 1' })
    add('style', { textContent: '#styled { color: red }' })
    add('link', { rel: 'stylesheet', href: 'http://elsewhere.example/style.css' })
    add('img', { src: 'http://elsewhere.example/image.png' })
    add('iframe', { src: 'http://elsewhere.example/' })
    document.head.prepend(Object.assign(document.createElement('base'), { href: 'http://elsewhere.example/' }))
    add('form', { action: 'http://elsewhere.example/', method: 'post' }).submit()
    fetch('http://elsewhere.example/').catch(() => {})
  }`)
  const stopped = () => pages.faults.flatMap(fault => /CSP: (\S+) stopped/.exec(fault)?.[1] ?? [])
  const all = ['base-uri', 'connect-src', 'form-action', 'frame-src', 'img-src']
  const inline = ['script-src-attr', 'script-src-elem', 'style-src-attr', 'style-src-elem']
  await expect.poll(() => [...new Set(stopped())].sort()).toEqual([...all, ...inline])
  expect(await page.evaluate('window.ran')).toBeUndefined()
  expect(await page.evaluate(`getComputedStyle(document.getElementById('styled')).color`)).not.toBe(
    'rgb(255, 0, 0)',
  )
  pages.faults.length = 0
})
