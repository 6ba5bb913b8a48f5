/* What the harnesses share: an input is a sequence of pieces, and decides what happens by chance. */
#include <stdio.h>

/* <stdlib.h> has macros with names that the launcher gives to other things. */
extern void abort(void);

#define CHECK(condition)                                                                                               \
	do                                                                                                                 \
		if (!(condition)) {                                                                                            \
			fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                                            \
			abort();                                                                                                   \
		}                                                                                                              \
	while (0)

/* The input from here on, and what is left of the piece that is read. */
static const unsigned char *input, *input_end, *bytes;
static u64 bytes_left;
static u64 chance;

static u64 random_below(u64 limit)
{
	chance = chance * 6364136223846793005ul + 1442695040888963407ul;
	return (chance >> 33) % limit;
}

static void begin_input(const unsigned char *data, size_t size)
{
	input = data;
	input_end = data + size;
	chance = size;
	for (size_t i = 0; i < size; i++)
		chance = chance * 31 + data[i];
}

/* The next piece: its length in two bytes, then its bytes, as far as they are there. */
static void begin_piece(void)
{
	bytes_left = 0;
	if (input_end - input < 2)
		return;
	bytes_left = (u64)input[0] | (u64)input[1] << 8;
	input += 2;
	if (bytes_left > (u64)(input_end - input))
		bytes_left = (u64)(input_end - input);
	bytes = input;
	input += bytes_left;
}
