// Entry of a worker process; started by run.ts.
import { ForeignHandlers } from './foreign-handlers.ts';
import { runService } from './service-process.ts';
import { Worker } from './worker.ts';

await runService('tasker-lite-worker', async ({ settings, database, transport, tracing, fail }) => {
  const { namespaces, concurrency, emit, runtime, slowness } = settings;
  const foreign = runtime === undefined ? undefined : new ForeignHandlers(runtime, fail);
  const likeTasker = emit === 'tasker';
  const worker = new Worker({
    database,
    transport,
    tracing,
    namespaces,
    concurrency,
    likeTasker,
    slowness,
    foreign,
    onFailure: fail,
  });
  await database.warm(2);
  await worker.start();
  return {
    stop: async () => {
      await worker.stop();
      await foreign?.stop();
    },
  };
});
