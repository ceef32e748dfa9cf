/* From a line to commands: words with quotes, redirections, and what stands between commands. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "shell.h"

static bool is_special(char letter)
{
    return letter != '\0' && strchr("|&;<>", letter);
}

/* Takes a word off the line, quotes removed in place; NULL when a quote is not closed. `stop` gets the letter behind it. */
static char *take_word(char **line, char *stop)
{
    char *from = *line, *to = *line, *word = *line, quote = '\0';
    for (; *from && (quote || (!isspace((unsigned char)*from) && !is_special(*from))); from++) {
        if (quote ? *from == quote : *from == '"' || *from == '\'')
            quote = quote ? '\0' : *from;
        else if (*from == '\\' && quote != '\'' && from[1])
            *to++ = *++from;
        else
            *to++ = *from;
    }
    *stop = *from;
    *line = from;
    *to = '\0';
    return quote ? NULL : word;
}

static char *skip_blanks(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

static bool wrong(const char *what)
{
    fprintf(stderr, "shell: %s\n", what);
    return false;
}

/* The special letter at `*line` has been overwritten by the 0 behind a word, so it is handed over. */
static bool take_redirection(char **line, char *special, struct command *command)
{
    char kind = *special;
    *line = *line + 1;
    command->append = kind == '>' && **line == '>';
    if (command->append)
        ++*line;
    *line = skip_blanks(*line);
    const char *path = take_word(line, special);
    if (!path || !*path)
        return wrong("a file name is wanted behind < or >");
    if (kind == '<')
        command->input = path;
    else
        command->output = path;
    return true;
}

/* Words and redirections up to what ends the command. */
static bool take_words(char **line, struct command *command)
{
    char special = **line;
    for (;;) {
        if (isspace((unsigned char)special)) {
            ++*line;
            *line = skip_blanks(*line);
            special = **line;
        }
        if (special == '\0' || special == '#')
            return true;
        if (special == '<' || special == '>') {
            if (!take_redirection(line, &special, command))
                return false;
            continue;
        }
        if (is_special(special)) {
            command->follows = special;
            ++*line;
            return true;
        }
        char *word = take_word(line, &special);
        if (!word)
            return wrong("a quote is not closed");
        if (command->count == WORDS_MAX)
            return wrong("too many words");
        command->words[command->count++] = word;
    }
}

enum parsed parse_command(char **line, struct command *command)
{
    *command = (struct command){ 0 };
    *line = skip_blanks(*line);
    if (**line == '\0' || **line == '#')
        return PARSED_END;
    if (!take_words(line, command))
        return PARSED_WRONG;
    return command->count > 0 || wrong("a command is missing") ? PARSED_COMMAND : PARSED_WRONG;
}
