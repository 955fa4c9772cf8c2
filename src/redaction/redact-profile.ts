import type { Profile } from '../model/profile.ts';
import type { Redactor } from './redactor.ts';

/** A profile whose names and paths went through the redactor; weights, times and shape stay. */
export function redactProfile(profile: Profile, redactor: Redactor): Profile {
  return {
    ...profile,
    name: redactor.text(profile.name),
    strings: profile.strings.map(text => redactor.text(text)),
    threads: profile.threads.map(thread => ({
      ...thread,
      processName: redactor.text(thread.processName),
      threadName: redactor.text(thread.threadName),
    })),
    mappings: profile.mappings.map(mapping => ({ ...mapping, path: redactor.text(mapping.path) })),
    samples: {
      ...profile.samples,
      labelSets: profile.samples.labelSets.map(labels =>
        labels.map(label =>
          typeof label.value === 'string' ? { ...label, value: redactor.attribute(label.key, label.value) } : label,
        ),
      ),
    },
    warnings: profile.warnings.map(warning => ({
      ...warning,
      examples: warning.examples.map(text => redactor.text(text)),
    })),
  };
}
