// One reply after the other through node-llama-cpp on one thread; prints the tokens a second, prompts included.
import {readFileSync} from "node:fs";
import {getLlama} from "node-llama-cpp";

const task = JSON.parse(readFileSync(process.argv[2], "utf8"));
const llama = await getLlama({gpu: false, maxThreads: 1, logLevel: "error"});
const model = await llama.loadModel({modelPath: task.model});
const context = await model.createContext({contextSize: 512, threads: 1});
const sequence = context.getSequence();

async function loop(millis) {
  const start = performance.now();
  let tokens = 0;
  for (let turn = 0; turn === 0 || performance.now() - start < millis; turn++) {
    await sequence.clearHistory();
    let own = 0;
    const prompt = task.prompts[turn % task.prompts.length];
    for await (const token of sequence.evaluate(prompt, {temperature: 1, topK: 0, topP: 1, minP: 0, seed: turn, yieldEogToken: true})) {
      own++;
      if (own >= task.tokensMax || model.isEogToken(token)) {
        break;
      }
    }
    tokens += own;
  }
  return tokens / ((performance.now() - start) / 1000);
}

await loop(task.millis / 4);
console.log(JSON.stringify({tokensPerSecond: await loop(task.millis)}));
process.exit(0);
