import { chromium } from 'playwright-core'
const base = 'http://localhost:5317', S='/tmp/wjobs-x/shots/'
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
const ctx = await browser.newContext({ viewport: {width:1440,height:900}, locale:'en-GB', timezoneId:'Europe/Berlin' })
const page = await ctx.newPage(); page.setDefaultTimeout(15000)
page.on('console', m => ['error','warning'].includes(m.type()) && console.log(m.type(), m.text().slice(0,300)))
page.on('pageerror', e => console.log('PAGEERROR', e.message.slice(0,400)))
await page.goto(base+'/sources'); await page.waitForTimeout(2500)
await page.getByRole('button',{name:'Back up now: shop-files'}).click()
let shot=false
for (let i=0;i<90;i++){ await page.waitForTimeout(2000); const s=await page.getByRole('status').first().innerText().catch(()=>'?'); const facts=(await page.locator('main').innerText()).split('\n').filter(l=>/so far|of about|\/s|left|Send|part/.test(l)).join(' | '); if(i%6===0) console.log(s.replace(/\n/g,' '),'::',facts); if(/Running/.test(s)&&/\/s/.test(facts)&&!shot){shot=true; await page.screenshot({path:S+'live-running.png',fullPage:true})} if(/Done|Failed/.test(s)) break }
await page.waitForTimeout(2500); await page.screenshot({path:S+'live-done.png',fullPage:true})
console.log((await page.locator('main').innerText()).slice(0,900))
await browser.close()
