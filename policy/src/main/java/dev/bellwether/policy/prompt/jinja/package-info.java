/**
 * The part of Jinja that chat templates are written in, rendered as Hugging Face renders them: {@link
 * dev.bellwether.policy.prompt.jinja.Template} parses by {@code Lexer} and {@code Parser} into {@code Expression} and {@code
 * Statement}, which {@code Renderer} and {@code Evaluator} walk; values behave as Python's. A template sees its variables
 * alone, and is bounded in steps and output.
 *
 * @see <a href="https://jinja.palletsprojects.com/en/stable/templates/">Jinja, for template designers</a>
 */
@NullMarked
package dev.bellwether.policy.prompt.jinja;

import org.jspecify.annotations.NullMarked;
