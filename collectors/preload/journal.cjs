'use strict';
// One line of JSON an event, appended at once: what was written before a kill -9 stays readable. A profile is written
// beside its final name and renamed, so that a full disk leaves no file that looks whole.
const fs = require('node:fs');
const path = require('node:path');

const CPU = { prefix: 'CPU', extension: 'cpuprofile' };

/** The journal of one thread: `CPU.<pid>.<tid>.jsonl`; a pid that is used again gets `-2`, `-3`, … */
exports.openJournal = (directory, pid, tid, { prefix, extension } = CPU) => {
  for (let attempt = 1; ; attempt++) {
    const stem = `${prefix}.${pid}.${tid}${attempt === 1 ? '' : `-${attempt}`}`;
    const file = path.join(directory, `${stem}.jsonl`);
    try {
      fs.closeSync(fs.openSync(file, 'wx', 0o600));
      return new Journal(directory, stem, file, extension);
    } catch (error) {
      if (error.code !== 'EEXIST' || attempt === 1000) throw error;
    }
  }
};

class Journal {
  constructor(directory, stem, file, extension) {
    this.directory = directory;
    this.stem = stem;
    this.file = file;
    this.extension = extension;
    this.parts = 0;
  }

  /** Never throws: a program must not fail because its observer could not write. */
  line(event) {
    try {
      fs.appendFileSync(this.file, `${JSON.stringify(event)}\n`);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Writes one V8 profile; the line says which file, or why there is none. `instead`: in place of the one before, which
   * it includes.
   */
  profile(profile, instead = false) {
    if (!instead || this.parts === 0) this.parts++;
    const name = `${this.stem}.${this.parts}.${this.extension}`;
    const final = path.join(this.directory, name);
    try {
      fs.writeFileSync(`${final}.partial`, JSON.stringify(profile), { mode: 0o600 });
      fs.renameSync(`${final}.partial`, final);
      this.line({ event: 'profile', file: name, samples: profile.samples.length, endUs: profile.endTime });
    } catch (error) {
      try {
        fs.unlinkSync(`${final}.partial`);
      } catch {
        // It was never made.
      }
      this.line({ event: 'failed', why: error.code ?? error.message, samples: profile.samples.length });
    }
  }
}
