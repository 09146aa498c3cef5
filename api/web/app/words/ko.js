import { en } from './en.js';
export const ko = en;
