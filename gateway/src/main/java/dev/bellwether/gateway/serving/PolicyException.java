package dev.bellwether.gateway.serving;

import dev.bellwether.gateway.http.ApiException;

/** Why a policy gave no reply, and whose fault that is. */
public final class PolicyException extends RuntimeException {
    private final transient ApiException answer;
    private final Blame blame;
    private final boolean passing;

    /** Whose fault a failure is. */
    public enum Blame {
        /** The request's: another version would refuse it as well. */
        REQUEST,
        /**
         * The request's or the version's: a service refused it. No other is asked, but it counts, since the users of all
         * arms make such requests alike.
         */
        EITHER,
        /** Nobody's: there is more to do than can be done now. */
        LOAD,
        /** The version's. */
        POLICY
    }

    private PolicyException(ApiException answer, Blame blame, String detail, boolean passing) {
        super(detail, answer);
        this.answer = answer;
        this.blame = blame;
        this.passing = passing;
    }

    public static PolicyException request(ApiException answer) {
        return new PolicyException(answer, Blame.REQUEST, said(answer), false);
    }

    static PolicyException either(ApiException answer) {
        return new PolicyException(answer, Blame.EITHER, said(answer), false);
    }

    public static PolicyException load(ApiException answer) {
        return new PolicyException(answer, Blame.LOAD, said(answer), false);
    }

    public static PolicyException policy(ApiException answer) {
        return new PolicyException(answer, Blame.POLICY, said(answer), false);
    }

    private static String said(ApiException answer) {
        return String.valueOf(answer.getMessage());
    }

    /** The same, which may be over in a moment: the version may be asked again. */
    PolicyException passing() {
        return new PolicyException(answer, blame, String.valueOf(getMessage()), true);
    }

    /** The same, with what its operator should know and its caller should not. */
    PolicyException detail(String detail) {
        return new PolicyException(answer, blame, detail, passing);
    }

    /** Whether it is worth while to ask the same version again. */
    boolean mayPass() {
        return passing;
    }

    /** What the caller is told where no other version answers. */
    public ApiException answer() {
        return answer;
    }

    public Blame blame() {
        return blame;
    }
}
