import { Contact } from "../board/contact.ts";
import { RelayModel } from "../devices/relay.ts";
import { SeededEntropy } from "../time/entropy.ts";
import { thermalStep } from "./thermal.ts";

const STEP_US = 100_000;
const STEP_S = STEP_US / 1e6;
/** After a long pause (suspended host) the world skips ahead instead of computing hours of steps at once. */
const MAX_CATCH_UP_STEPS = 36_000;

const AMBIENT_C = 18;
const AMBIENT_RH = 45;
const HEAT_CAPACITY = 400;
const WALL_W_PER_K = 4;
const FAN_W_PER_K = 30;
const DOOR_W_PER_K = 10;
const SUN_W = 140;
const CLOUD_PERIOD_STEPS = 150;
const DRYING_PCT_PER_S = 0.5;
const WATERING_PCT_PER_S = 4;
const FIRST_DOOR_US = 8_000_000;

export interface GreenhouseState {
  readonly temperatureC: number;
  readonly humidityPct: number;
  readonly soilMoisturePct: number;
  readonly pressurePa: number;
  readonly sun: number;
  readonly doorOpen: boolean;
  readonly fanOn: boolean;
  readonly pumpOn: boolean;
}

const clamp = (x: number, low: number, high: number): number => Math.max(low, Math.min(high, x));

/**
 * A small greenhouse, computed in fixed steps of 100 ms from a seed: the sun heats it, clouds pass, the fan and the
 * open door cool it, soil dries, the pump waters it, and somebody opens the door now and then. Time runs fast here:
 * heating is about a quarter of a degree per second, so that control loops close while one watches.
 */
export class GreenhouseWorld {
  /** Line 17: a relay module with a pull-down, on at level 1. */
  readonly fan: RelayModel;
  /** Line 27: as the fan. */
  readonly pump: RelayModel;
  /** Line 23: reed contact to ground with pull-up: 0 closed door, 1 open door. */
  readonly door: Contact;
  readonly #weather: SeededEntropy;
  readonly #visitor: SeededEntropy;
  readonly #climateNoise: SeededEntropy;
  readonly #soilNoise: SeededEntropy;
  #steps = 0;
  #t = 24.7;
  #rh = 55;
  #soil = 38;
  #sun = 1;
  #doorOpen = false;
  #nextDoorUs = FIRST_DOOR_US;

  constructor(seed: string, relays: { readonly activeLow: boolean } = { activeLow: false }) {
    const idle = relays.activeLow ? 1 : 0;
    this.fan = new RelayModel({ activeLow: relays.activeLow, idle });
    this.pump = new RelayModel({ activeLow: relays.activeLow, idle });
    this.door = new Contact(new SeededEntropy(seed, "device:gpio:23"), 0);
    this.#weather = new SeededEntropy(seed, "world:weather");
    this.#visitor = new SeededEntropy(seed, "world:door");
    this.#climateNoise = new SeededEntropy(seed, "world:climate");
    this.#soilNoise = new SeededEntropy(seed, "world:soil");
  }

  /** Computes all steps that begin before board time `nowUs`. Never goes back. */
  advanceTo(nowUs: number): void {
    const due = Math.floor(nowUs / STEP_US);
    if (due - this.#steps > MAX_CATCH_UP_STEPS) this.#steps = due - MAX_CATCH_UP_STEPS;
    while (this.#steps < due) {
      // The door moves at its own time whoever looks when, so that polling does not change the world.
      while (this.#nextDoorUs <= this.#steps * STEP_US) this.#moveDoor(this.#nextDoorUs);
      this.#step(this.#steps * STEP_US);
      this.#steps++;
    }
    while (this.#nextDoorUs <= nowUs) this.#moveDoor(this.#nextDoorUs);
  }

  /** The state at the last computed step. */
  state(): GreenhouseState {
    const atUs = this.#steps * STEP_US;
    return {
      temperatureC: this.#t,
      humidityPct: this.#rh,
      soilMoisturePct: this.#soil,
      pressurePa: 101_325,
      sun: this.#sun,
      doorOpen: this.#doorOpen,
      fanOn: this.fan.closed(atUs),
      pumpOn: this.pump.closed(atUs),
    };
  }

  /** Opens or closes the door now, as a test or a person would. */
  setDoor(open: boolean, atUs: number): void {
    this.#doorOpen = open;
    this.door.actuate(atUs, open ? 1 : 0);
  }

  /** What a climate sensor in the middle of the house is exposed to, with its noise. */
  climate(): { readonly temperatureC: number; readonly pressurePa: number; readonly humidityPct: number } {
    return {
      temperatureC: this.#t + this.#climateNoise.gauss() * 0.02,
      pressurePa: 101_325 + this.#climateNoise.gauss() * 1.5,
      humidityPct: clamp(this.#rh + this.#climateNoise.gauss() * 0.1, 0, 100),
    };
  }

  /** Output of the soil probe: 0 V dry to 3.3 V soaked, with its noise. */
  soilVolts(): number {
    return clamp((3.3 * this.#soil) / 100 + this.#soilNoise.gauss() * 0.003, 0, 3.3);
  }

  #step(atUs: number): void {
    if (this.#steps % CLOUD_PERIOD_STEPS === 0) this.#sun = 0.75 + 0.25 * this.#weather.float();
    const fan = this.fan.closed(atUs);
    const pump = this.pump.closed(atUs);
    const draught = (fan ? FAN_W_PER_K : 0) + (this.#doorOpen ? DOOR_W_PER_K : 0);
    const node = { t: this.#t, ambient: AMBIENT_C, C: HEAT_CAPACITY, G: WALL_W_PER_K + draught, P: SUN_W };
    this.#t = thermalStep(node, this.#sun, STEP_S);
    const exchange = fan || this.#doorOpen ? 0.05 : 0.01;
    const evaporation = 0.004 * this.#soil + (pump ? 0.6 : 0);
    this.#rh = clamp(this.#rh + STEP_S * (exchange * (AMBIENT_RH - this.#rh) + evaporation), 0, 100);
    const water = pump ? WATERING_PCT_PER_S : 0;
    this.#soil = clamp(this.#soil + STEP_S * (water - DRYING_PCT_PER_S * this.#sun), 2, 100);
  }

  #moveDoor(atUs: number): void {
    this.setDoor(!this.#doorOpen, atUs);
    const seconds = this.#doorOpen ? 3 + 5 * this.#visitor.float() : 15 + 20 * this.#visitor.float();
    this.#nextDoorUs = atUs + Math.round(seconds * 1e6);
  }
}
