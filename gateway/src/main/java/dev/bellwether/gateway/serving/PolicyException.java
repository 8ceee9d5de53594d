package dev.bellwether.gateway.serving;

import dev.bellwether.gateway.http.ApiException;

/** Why a policy gave no reply, and whose fault that is. */
public final class PolicyException extends RuntimeException {
    private final transient ApiException answer;
    private final Blame blame;

    /** Whose fault a failure is. */
    public enum Blame {
        /** The request's: another version would refuse it as well. */
        REQUEST,
        /** Nobody's: there is more to do than can be done now. */
        LOAD,
        /** The version's. */
        POLICY
    }

    private PolicyException(ApiException answer, Blame blame) {
        super(answer.getMessage(), answer);
        this.answer = answer;
        this.blame = blame;
    }

    public static PolicyException request(ApiException answer) {
        return new PolicyException(answer, Blame.REQUEST);
    }

    public static PolicyException load(ApiException answer) {
        return new PolicyException(answer, Blame.LOAD);
    }

    public static PolicyException policy(ApiException answer) {
        return new PolicyException(answer, Blame.POLICY);
    }

    /** What the caller is told where no other version answers. */
    public ApiException answer() {
        return answer;
    }

    public Blame blame() {
        return blame;
    }
}
