import { SystemRandom } from "../../src/host/system_random.ts";
import { randomContract } from "../contracts/random_contract.ts";

randomContract("SystemRandom", () => new SystemRandom());
