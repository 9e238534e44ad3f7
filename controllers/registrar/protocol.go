package registrar

import (
	"context"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// protocolEvery is how often at most the server's replicas are asked which protocol they
// speak: a roll-out changes that.
const protocolEvery = 10 * time.Second

// spoken is what is known of the protocol that a server speaks.
type spoken struct {
	// agreed version; 0: not known yet.
	agreed int
	// version of the program, as the metadata names it.
	version string
	// replicas says that agreed comes from the list of replicas, which counts more than the
	// metadata of the one that answered; asked is when it was read.
	replicas bool
	asked    time.Time
}

// takeMetadata takes what the metadata, read by a route, says of the protocol. The error
// says that the operator cannot speak with the server.
func (s *Server) takeMetadata(m oauth.ServerMetadata, by *route) error {
	agreed, err := oauth.AgreeOnProtocol(s.options.Protocol, m.Protocol)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readBy != nil && s.readBy != by { // there may be other replicas
		s.spoken = spoken{}
	}
	s.spoken.version = clip(m.Version)
	if !s.spoken.replicas {
		s.spoken.agreed = agreed
	}
	return nil
}

// askReplicas agrees on the protocol with all replicas, unless that was done a moment ago.
// Where they cannot be asked, which needs the server's database, what was known is good
// still: nobody starts or stops replicas of another version because of that.
func (s *Server) askReplicas(ctx context.Context) error {
	now := s.options.Now()
	s.mu.Lock()
	due := now.Sub(s.spoken.asked) >= protocolEvery
	if due {
		s.spoken.asked = now
	}
	s.mu.Unlock()
	if !due {
		return nil
	}
	list, err := s.Replicas(ctx)
	if err != nil {
		s.options.Log.V(1).Info("cannot ask for the replicas; the version of the protocol stays as it is", "server", s.key.String(), "error", err.Error())
		return nil
	}
	versions := make([]int, len(list.Replicas))
	for i, r := range list.Replicas {
		versions[i] = r.Protocol
	}
	agreed, err := oauth.AgreeOnProtocol(s.options.Protocol, versions...)
	if err != nil {
		return err
	}
	s.mu.Lock()
	before := s.spoken.agreed
	if len(versions) > 0 {
		s.spoken.agreed, s.spoken.replicas = agreed, true
	}
	s.mu.Unlock()
	if len(versions) == 0 || agreed == before {
		return nil
	}
	_, err = s.fetchEndpoints(ctx) // another release may have other ones
	return err
}

// mayCarry checks that every replica knows all members of what is to be sent. One that
// does not would ignore them: a client would be registered with other rights than its
// OAuthClient says.
func (s *Server) mayCarry(sent any) error {
	s.mu.Lock()
	agreed := s.spoken.agreed
	s.mu.Unlock()
	if need := s.options.needed(sent); need > agreed {
		return fmt.Errorf("%w: this takes version %d of the registrar protocol, and a replica of the server speaks %d", oauth.ErrProtocolTooOld, need, agreed)
	}
	return nil
}
