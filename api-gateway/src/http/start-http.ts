import { catalogIdentity } from '@telegram-backup/database'
import { certificateFiles, type HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import { createUploads } from '@telegram-backup/engine/job-handlers/upload-job.ts'
import { openProviders } from '@telegram-backup/engine/operations/oidc.ts'
import { createChatCheck } from '@telegram-backup/engine/service/chat-check.ts'
import type { ServiceContext } from '@telegram-backup/engine/service/service-context.ts'
import type { ServicePart } from '@telegram-backup/engine/service-part.ts'
import type { DescribedError } from '@telegram-backup/errors'
import { readCertificate, watchCertificate } from '#http/certificate.ts'
import { createApp } from '#http/create-app.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { listen } from '#http/listen.ts'
import { isLoopbackName } from '#http/metrics-access.ts'
import { readPage } from '#http/page/page-files.ts'
import { createReadiness } from '#http/readiness.ts'

/** The running HTTP API. */
export interface HttpPart extends ServicePart {
  /** `http://host:port` */
  url: string
  /** Why the certificate in the files cannot be used; undefined if it is in use, and without one. */
  certificateFault(): DescribedError | undefined
}

export interface HttpOptions extends Pick<HttpPorts, 'metrics' | 'version' | 'restic' | 'objects'> {
  host: string
  /** 0 takes a free one. */
  port: number
  /** Take a free port if this one is in use. */
  orAnyPort: boolean
  /** If one of them is given, the configuration file is not asked. */
  tls?: Pick<HttpSettings, 'certificate' | 'certificate_key'>
  /** Where the page was built; no page without it. */
  pageFolder?: string | undefined
}

/** Starts the HTTP API. Throws `CONFIGURATION` if it cannot listen. */
export async function startHttp(
  context: ServiceContext,
  options: HttpOptions & {
    /** How long requests may continue after a stop; an upload that is not done by then is deleted again. */
    graceMs: number
  },
): Promise<HttpPart> {
  const { configFile, database, log } = context
  const { host, port, orAnyPort, tls = {}, pageFolder, graceMs, ...rest } = options
  const isGiven = tls.certificate !== undefined || tls.certificate_key !== undefined
  const files = certificateFiles(isGiven ? tls : configFile.http)
  const certificate = files && (await readCertificate(files))
  const page = pageFolder === undefined ? undefined : { built: await readPage(pageFolder) }
  if (page !== undefined && page.built === undefined)
    log.warn('the page has not been built, so that / only says so: run "npm run build:page" and start again')
  const { app, endStreams, close } = createApp({
    ...context,
    ...rest,
    database: context.serving,
    settings: configFile.http,
    providers: openProviders(configFile.providers()),
    page,
    uploads: createUploads(context),
    engine: context,
    readiness: createReadiness({
      catalog: () => catalogIdentity(database),
      chat: createChatCheck(context),
    }),
  })
  const server = await listen(app, { host, port, orAnyPort, certificate }).catch(async (error: unknown) => {
    await close()
    throw error
  })
  if (port !== 0 && port !== server.port)
    log.warn({ port, taken_instead: server.port }, 'the port is in use; another one was taken')
  log.info({ url: server.url }, 'listening')
  if (certificate === undefined && configFile.http.trust_proxy === undefined && !isLoopbackName(host)) {
    log.warn(
      'API keys and backups cross the network without encryption: give --certificate and --certificate-key, or use a proxy with TLS and name it (http: trust_proxy)',
    )
  }
  const watching =
    files && certificate && watchCertificate({ files, current: certificate, use: server.useCertificate, log })
  return {
    url: server.url,
    certificateFault: () => watching?.fault,
    stop: async () => {
      endStreams()
      await watching?.stop()
      await server.stop(graceMs)
      await close()
    },
  }
}
