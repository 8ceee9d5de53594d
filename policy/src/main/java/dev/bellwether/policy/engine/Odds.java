package dev.bellwether.policy.engine;

/** How likely each next token of a row is; together they need not be exactly 1. */
interface Odds {
    /** Tokens of a block; the last one may have fewer. */
    int BLOCK = 64;

    /** Of each block's tokens together. */
    float[] sums();

    /** Of the tokens of one block, in an array that the next call may overwrite; what is behind the last token is 0. */
    float[] block(int block);

    /** Of all tokens, in an array that the next row overwrites. */
    float[] all();

    /** The first of the likeliest tokens. */
    int likeliest();

    /** The first of the largest. */
    static int largest(float[] numbers) {
        int largest = 0;
        for (int i = 1; i < numbers.length; i++) {
            if (numbers[i] > numbers[largest]) {
                largest = i;
            }
        }
        return largest;
    }
}
