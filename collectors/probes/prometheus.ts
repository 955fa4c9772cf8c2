// https://prometheus.io/docs/instrumenting/exposition_formats/
import type { Reading } from '../../src/formats/probe-log.ts';
import { readHttp } from './http-get.ts';
import { type Probe, ProbeFailure, type ProbeRequest, type ProbeRun, type ProbeStatus } from './probe.ts';
import { parsePrometheus } from './prometheus-text.ts';
import { basicAuthorization, describeTarget, parseTargetUrl, withoutCredentials } from './target-url.ts';

const FLAG = '--metrics';
const EXAMPLE = 'http://host:9090/metrics';
const ACCEPT = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
/** Series of one endpoint that are kept; what comes after them is counted. */
const MOST_SERIES = 5000;

/** Whatever a program tells on its own metrics endpoint. */
export const prometheusProbe: Probe = {
  id: 'prometheus',
  title: 'metrics endpoints: text exposition format and OpenMetrics',
  flag: FLAG,

  async check(target): Promise<ProbeStatus> {
    if (target === undefined) {
      return {
        usable: true,
        version: '',
        usableFor: 'any metrics endpoint in the text format',
        note: `tprof doctor ${FLAG} URL scrapes one`,
      };
    }
    try {
      const { readings, badLines } = parsePrometheus(await scrape(addressOf(target)));
      if (readings.length === 0) throw new ProbeFailure('the answer holds no metrics');
      const bad = badLines === 0 ? {} : { note: `${badLines} lines cannot be read` };
      return { usable: true, version: '', usableFor: `${readings.length} series`, ...bad };
    } catch (error) {
      if (!(error instanceof ProbeFailure)) throw error;
      return {
        usable: false,
        reason: error.why,
        hint: error.hint ?? `curl the address; ${FLAG} wants one such as ${EXAMPLE}`,
      };
    }
  },

  open({ target }: ProbeRequest): ProbeRun {
    const url = addressOf(target);
    let badLines = 0;
    let firstBadLine = 0;
    const left = new Set<string>();
    const kept = new Set<string>();
    /** The same series in every scrape, whatever comes and goes. */
    const keep = ({ name, labels }: Reading): boolean => {
      const key = `${name}\0${JSON.stringify(labels ?? {})}`;
      if (kept.has(key)) return true;
      if (kept.size < MOST_SERIES) return kept.add(key) !== undefined;
      left.add(key);
      return false;
    };
    return {
      target: { ...describeTarget(url, url.protocol === 'https:' ? 443 : 80), 'url.path': url.pathname },
      async sample() {
        const scraped = parsePrometheus(await scrape(url));
        badLines += scraped.badLines;
        firstBadLine ||= scraped.firstBadLine;
        if (scraped.readings.length === 0) throw new ProbeFailure('the answer holds no metrics');
        return { readings: scraped.readings.filter(keep) };
      },
      close: async () => ({
        documents: [],
        losses: [
          ...(badLines === 0
            ? []
            : [
                {
                  what: `${badLines} ${badLines === 1 ? 'line' : 'lines'} of metrics`,
                  count: badLines,
                  why: `they are not in the text exposition format; the first was line ${firstBadLine}`,
                },
              ]),
          ...(left.size === 0
            ? []
            : [
                {
                  what: `${left.size} series of metrics`,
                  count: left.size,
                  why: `the first ${MOST_SERIES} of an endpoint are kept`,
                },
              ]),
        ],
      }),
    };
  },
};

/** Throws `TprofError` (`usage`). A bare host has its metrics where everybody has them. */
function addressOf(target: string): URL {
  const url = parseTargetUrl(target, FLAG, ['http', 'https'], EXAMPLE);
  if (url.pathname === '/' && url.search === '') url.pathname = '/metrics';
  return url;
}

async function scrape(url: URL): Promise<string> {
  const authorization = basicAuthorization(url);
  return readHttp(withoutCredentials(url), {
    accept: ACCEPT,
    ...(authorization === undefined ? {} : { authorization }),
  });
}
