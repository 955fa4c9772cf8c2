// Entry of a worker process; started by run.ts.
import { runService } from './service-process.ts';
import { Worker } from './worker.ts';

await runService('tasker-lite-worker', async ({ settings, database, tracing, fail }) => {
  const { namespaces, concurrency, emit } = settings;
  const likeTasker = emit === 'tasker';
  const worker = new Worker({ database, tracing, namespaces, concurrency, likeTasker, onFailure: fail });
  await database.warm(2);
  await worker.start();
  return { stop: () => worker.stop() };
});
