package oauth

// CodeTooManyRequests goes with the status 429 (RFC 6585, Section 4). Ours: RFC
// 7591 has no code for it.
const CodeTooManyRequests Code = "too_many_requests"

// TooManyRequests: the caller has used up what it may ask for; the same request
// may succeed later.
func TooManyRequests(desc string, args ...any) *Error {
	return newError(CodeTooManyRequests, desc, args...)
}
